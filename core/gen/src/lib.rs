//! Writes what every language has of the table of operations: a record for each type, a class for each noun, a method for each
//! verb. The table and the schemas of its types are all it reads; a module for each language says how that language writes them.

pub mod go;
pub mod model;
pub mod python;
pub mod typescript;
