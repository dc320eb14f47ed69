namespace Pachyderm.Metadata.Sqlite;

/// <summary>How far an upgrade has come.</summary>
public enum UpgradePhase
{
    /// <summary>The new tables exist and follow every change of the old ones; what was there before is being copied.</summary>
    Copying,

    /// <summary>Everything has been copied.</summary>
    Copied,

    /// <summary>The new tables are the tables. The old ones follow every change of theirs until the upgrade is finalized.</summary>
    Flipped,
}

/// <summary>The journal of an upgrade, in the store that it changes.</summary>
/// <param name="Id">Identity of the upgrade: 32 hexadecimal digits.</param>
/// <param name="From">The format that it began with.</param>
/// <param name="To">The format that it leads to.</param>
/// <param name="Phase">How far it has come.</param>
/// <param name="Started">When it began, UTC.</param>
/// <param name="Digest">Digest of all records before it began, in hexadecimal digits.</param>
/// <param name="Copied">Rows that have been copied.</param>
/// <param name="LaterWrites">Rows of the changed tables that were written since the flip.</param>
public sealed record UpgradeJournal(
    string Id, int From, int To, UpgradePhase Phase, DateTimeOffset Started, string Digest, long Copied, long LaterWrites);
