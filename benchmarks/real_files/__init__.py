"""Networks and files of the kind that users bring: what edgekit makes of them, against each library's plain export."""
