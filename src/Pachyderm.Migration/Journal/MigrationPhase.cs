namespace Pachyderm.Migration.Journal;

/// <summary>How far a migration has come. Each phase is written down in the store before the work of the next one begins.</summary>
public enum MigrationPhase
{
    /// <summary>The fence is held; nothing of the cluster's own data has been touched.</summary>
    Fenced,

    /// <summary>A verified backup exists.</summary>
    BackedUp,

    /// <summary>Records are being rewritten.</summary>
    Running,

    /// <summary>All records are rewritten and have not been checked yet.</summary>
    Ran,

    /// <summary>Everything was read back and compared.</summary>
    Verified,

    /// <summary>The store is stamped with the new release. Undo is still possible.</summary>
    Stamped,

    /// <summary>Records are being put back.</summary>
    Undoing,
}
