//! Self-contained HTML reports with SVG charts, image galleries and tables.
