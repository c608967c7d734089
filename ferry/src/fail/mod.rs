//! Steps that the operating system or the database can refuse. In every program a step is done, and that is all; the tests of
//! this crate make each of them fail ([`crate::daemon`] has the ladder).

#[cfg(test)]
pub mod plan;

#[cfg(test)]
pub use plan::step;

/// What can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A file is opened for reading.
    Open,
    /// A file is made.
    Create,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is made durable.
    SyncFile,
    /// A file gets another name.
    Rename,
    /// A file gets a second name.
    Link,
    /// A file is removed.
    Remove,
    /// A directory is made.
    MakeDirectory,
    /// A directory is removed.
    RemoveDirectory,
    /// The names in a directory are made durable.
    SyncDirectory,
    /// A directory is opened to be listed.
    List,
    /// The next name is read from a directory.
    NextEntry,
    /// The system is asked about a name or a file.
    Look,
    /// The database is opened.
    Connect,
    /// A transaction that writes begins.
    Begin,
    /// A statement that changes something, or the connection.
    Run,
    /// A statement that yields rows.
    Query,
    /// A text of several statements.
    Script,
    /// A transaction is committed.
    Commit,
    /// A transaction is rolled back.
    RollBack,
    /// The database is closed.
    Close,
}

#[cfg(test)]
impl Step {
    /// Every kind.
    pub const ALL: [Self; 22] = [
        Self::Open,
        Self::Create,
        Self::Read,
        Self::Write,
        Self::SyncFile,
        Self::Rename,
        Self::Link,
        Self::Remove,
        Self::MakeDirectory,
        Self::RemoveDirectory,
        Self::SyncDirectory,
        Self::List,
        Self::NextEntry,
        Self::Look,
        Self::Connect,
        Self::Begin,
        Self::Run,
        Self::Query,
        Self::Script,
        Self::Commit,
        Self::RollBack,
        Self::Close,
    ];
}

/// Does a step.
///
/// # Errors
/// Those of the step.
#[cfg(not(test))]
#[inline]
pub fn step<T, E>(_what: Step, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    work()
}
