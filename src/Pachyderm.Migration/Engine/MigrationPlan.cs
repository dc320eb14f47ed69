using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Errors;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Engine;

/// <summary>What a migration of a surveyed store will do.</summary>
/// <param name="From">Release of the data.</param>
/// <param name="To">Release to carry it to.</param>
/// <param name="Path">The way.</param>
/// <param name="Step">The step that does it; null when nothing stored changes.</param>
/// <param name="Inventory">What the survey found.</param>
/// <param name="Conversion">The prepared conversion; null when nothing stored changes.</param>
internal sealed record MigrationPlan(
    ReleaseVersion From, ReleaseVersion To, MigrationPath Path, IMigrationStep? Step, ClusterInventory Inventory,
    IRecordConversion? Conversion)
{
    /// <summary>What the conversion will do, once it was counted.</summary>
    public ChangeTally? Tally { get; init; }

    /// <summary>
    /// Digest of everything that decides what is written: a migration that is taken up again must come to the same one.
    /// </summary>
    public string Digest(MigrationRequest request)
    {
        string text = string.Join(
            '\n',
            "plan 1",
            From.Plain.ToString(),
            To.Plain.ToString(),
            Step?.Folder ?? "",
            request.PfsPrefix,
            request.PpsPrefix,
            request.Quarantine.ToString(CultureInfo.InvariantCulture),
            Inventory.Digest.ToString());
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>Finds the way for a surveyed store.</summary>
    /// <exception cref="OperatorException">
    /// The store holds no cluster, is of another release than was said, or cannot be carried to the target.
    /// </exception>
    public static MigrationPlan Make(ClusterInventory inventory, MigrationRequest request, string location)
    {
        DetectedRelease found = inventory.Release;
        switch (found.Kind)
        {
            case StoreKind.Empty:
                throw new OperatorException(
                    "store-empty", location, "the store is empty", "name the etcd of the cluster; an empty cluster needs no migration");
            case StoreKind.Foreign:
                throw new OperatorException(
                    "store-foreign", location,
                    $"there is no cluster under {request.PfsPrefix} and {request.PpsPrefix}, and {inventory.OtherKeys} other keys",
                    "name the right store, or its prefixes with --pfs-prefix and --pps-prefix");
        }

        ReleaseVersion to = request.To ?? MigrationPath.Newest;
        ReleaseVersion from = ChooseFrom(inventory, request, location);
        MigrationPath path = MigrationPath.Find(from, to);
        if (!path.IsAutomatic)
        {
            throw new OperatorException(
                "no-automatic-path", $"{from} to {to}", $"the way is {path}", "follow the README of each leg by hand");
        }

        string? folder = path.Legs.SingleOrDefault(leg => leg.Kind == MigrationLegKind.Step)?.Folder;
        IMigrationStep? step = folder is null ? null : StepCatalog.Get(folder);
        return new MigrationPlan(from, to, path, step, inventory, step?.Prepare(inventory, OptionsOf(request, to)));
    }

    /// <summary>What the operator asked of the step.</summary>
    public static StepOptions OptionsOf(MigrationRequest request, ReleaseVersion to) =>
        new(to, request.Quarantine, request.Storage is not null);

    private static ReleaseVersion ChooseFrom(ClusterInventory inventory, MigrationRequest request, string location)
    {
        DetectedRelease found = inventory.Release;
        if (inventory.Stamp is { } stamp
            && ReleaseVersion.TryParse(stamp.Release, out ReleaseVersion stamped)
            && found.Allows(stamped.Plain))
        {
            Require(request.From is not { } said || said.IsSameLineAs(stamped), $"{stamped} (stamped)");
            return stamped;
        }

        if (request.From is { } asserted)
        {
            Require(found.Allows(asserted.Plain), found.ToString());
            return asserted;
        }

        return found.Latest;

        void Require(bool holds, string actual)
        {
            if (!holds)
            {
                throw new OperatorException(
                    "wrong-from", location, $"--from says {request.From}, and the data is of {actual} ({found.Why})",
                    "leave --from out, or name the right store");
            }
        }
    }
}
