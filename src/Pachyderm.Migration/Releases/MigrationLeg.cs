namespace Pachyderm.Migration.Releases;

/// <summary>How a leg of a migration is travelled.</summary>
public enum MigrationLegKind
{
    /// <summary>Nothing stored differs between the two releases.</summary>
    NothingChanges,

    /// <summary>A step of this program rewrites the records.</summary>
    Step,

    /// <summary>A person follows the guide in the step's folder: the old metadata store cannot be read by this program.</summary>
    Guide,
}

/// <summary>One leg of the way from one release to another.</summary>
/// <param name="From">Where it starts.</param>
/// <param name="To">Where it ends.</param>
/// <param name="Kind">How it is travelled.</param>
/// <param name="Folder">Folder below <c>migration/</c> that describes it; empty when nothing changes.</param>
public sealed record MigrationLeg(ReleaseVersion From, ReleaseVersion To, MigrationLegKind Kind, string Folder)
{
    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        MigrationLegKind.NothingChanges => $"{From} -> {To} (nothing stored changes)",
        MigrationLegKind.Guide => $"{From} -> {To} (by hand: migration/{Folder}/README.md)",
        _ => $"{From} -> {To} (step {Folder})",
    };
}
