"""One model file looked into: as a page, as a trace of one inference, as node data for Model Explorer."""
