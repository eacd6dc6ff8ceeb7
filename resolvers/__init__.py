"""How allowed data is read: plans compiled to SQL, the reference executor, pages and cursors. It serves nobody."""
