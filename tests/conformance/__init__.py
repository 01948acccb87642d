"""HTTP/1.1 as data: what is sent, what has to come back, and the sentence of the RFC that says so."""
