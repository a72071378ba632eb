//! From records to charts and one self-contained HTML page.
