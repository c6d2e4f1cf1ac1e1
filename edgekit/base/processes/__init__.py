"""Work in processes of its own: started, limited, ended, kept warm."""
