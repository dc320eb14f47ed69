using Pachyderm.Errors;

namespace Pachyderm.Migration.Releases;

/// <summary>The way from one release to another, and every release that is known.</summary>
/// <param name="Legs">The legs in order; empty when source and target are the same.</param>
public sealed record MigrationPath(IReadOnlyList<MigrationLeg> Legs)
{
    private static readonly (int Minor, int LastPatch)[] Lines = [(2, 4), (3, 20), (4, 8), (5, 3)];

    // Releases before 1.4 kept metadata in RethinkDB; spec: the routines that upstream shipped for them.
    private static readonly (ReleaseVersion From, ReleaseVersion To, string Folder)[] OldRoutines =
    [
        (new(1, 2, 2), new(1, 2, 3), "1.2.2-1.2.3"),
        (new(1, 2, 4), new(1, 3, 0), "1.2.4-1.3.0"),
        (new(1, 3, 4), new(1, 3, 7), "1.3.4-1.3.7"),
        (new(1, 3, 7), new(1, 3, 8), "1.3.7-1.3.8"),
    ];

    /// <summary>The newest release that an etcd can be carried to.</summary>
    public static ReleaseVersion Newest { get; } = new(1, 5, 3);

    /// <summary>The release that keeps its data in a directory of its own, into which clusters are imported.</summary>
    public static ReleaseVersion Native { get; } = new(3, 0, 0);

    /// <summary>Every release between 1.2.0 and <see cref="Newest"/>, oldest first.</summary>
    public static IEnumerable<ReleaseVersion> KnownReleases =>
        Lines.SelectMany(line => Enumerable.Range(0, line.LastPatch + 1).Select(patch => new ReleaseVersion(1, line.Minor, patch)));

    /// <summary>Whether every leg is travelled by this program.</summary>
    public bool IsAutomatic => Legs.All(leg => leg.Kind != MigrationLegKind.Guide);

    /// <summary>
    /// Finds the way between two releases. Suffixes do not matter.
    /// </summary>
    /// <exception cref="OperatorException">
    /// A release is unknown (<c>unknown-release</c>), or the target is the older one (<c>downgrade</c>).
    /// </exception>
    public static MigrationPath Find(ReleaseVersion from, ReleaseVersion to)
    {
        RequireKnown(from, "--from");
        bool isNative = to.CompareTo(Native) == 0;
        if (isNative)
        {
            to = Newest;
        }
        else
        {
            RequireKnown(to, "--to");
        }

        if (to < from)
        {
            throw new OperatorException(
                "downgrade",
                $"{from} to {to}",
                "the target is older than the source, and no release can read what a later one wrote",
                "restore a backup of the older release, or use `pachctl migrate undo` if the migration is not finalized");
        }

        List<MigrationLeg> legs = [];
        ReleaseVersion here = from;
        while (here.CompareTo(to) != 0)
        {
            MigrationLeg leg = NextLeg(here, to);
            legs.Add(leg);
            here = leg.To;
        }

        if (isNative)
        {
            legs.Add(new MigrationLeg(here, Native, MigrationLegKind.Step, "1.5.x-3.0.0"));
        }

        return new MigrationPath(legs);
    }

    /// <inheritdoc/>
    public override string ToString() => Legs.Count == 0 ? "nothing to do" : string.Join(", then ", Legs);

    private static MigrationLeg NextLeg(ReleaseVersion here, ReleaseVersion to)
    {
        if (here.Minor == 5)
        {
            return new MigrationLeg(here, to, MigrationLegKind.Step, "1.5.x-1.5.x");
        }

        if (here.Minor == 4)
        {
            return to.Minor == 4
                ? new MigrationLeg(here, to, MigrationLegKind.NothingChanges, "")
                : new MigrationLeg(here, to, MigrationLegKind.Step, "1.4.x-1.5.x");
        }

        foreach ((ReleaseVersion start, ReleaseVersion end, string folder) in OldRoutines)
        {
            if (here.CompareTo(start) == 0 && end <= to)
            {
                return new MigrationLeg(here, end, MigrationLegKind.Guide, folder);
            }
        }

        // Releases between two routines store the same, so the next stop is the next routine, the target, or the end of the line.
        ReleaseVersion stop = OldRoutines.Select(routine => routine.From)
            .Where(start => start > here && start <= to)
            .Append(to)
            .Min();
        if (stop.Minor == here.Minor)
        {
            return new MigrationLeg(here, stop, MigrationLegKind.NothingChanges, "");
        }

        // 1.3.8 and later 1.3 releases leave RethinkDB for etcd: both clusters run side by side and data is copied.
        ReleaseVersion landing = to.Minor == 4 ? to : new ReleaseVersion(1, 4, 8);
        return new MigrationLeg(here, landing, MigrationLegKind.Guide, "1.3.x-1.4.x");
    }

    private static void RequireKnown(ReleaseVersion version, string option)
    {
        if (!KnownReleases.Any(known => known.CompareTo(version) == 0))
        {
            throw new OperatorException(
                "unknown-release",
                $"{option} {version}",
                "no such release is known to this program",
                "name one of 1.2.0 to 1.2.4, 1.3.0 to 1.3.20, 1.4.0 to 1.4.8, 1.5.0 to 1.5.3, 3.0.0");
        }
    }
}
