using System.Globalization;
using System.Text;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Journal;

/// <summary>Keys of the migration's own records in a store, apart from the cluster's, one set for each cluster prefix.</summary>
/// <param name="pfsPrefix">The cluster's prefix of file-system records.</param>
public sealed class MigrationKeys(string pfsPrefix)
{
    private readonly string _root = $"pachyderm_migration/{pfsPrefix}/";

    /// <summary>The fence.</summary>
    public byte[] Fence => Key("fence");

    /// <summary>The journal.</summary>
    public byte[] Journal => Key("journal");

    /// <summary>The stamp.</summary>
    public byte[] Stamp => Key("stamp");

    /// <summary>All of the migration's keys.</summary>
    public KeyRange All => KeyRange.Prefix(_root);

    /// <summary>Number of the last batch that a lane has written.</summary>
    public byte[] Progress(string work, int lane) => Key(string.Create(CultureInfo.InvariantCulture, $"progress/{work}/{lane}"));

    /// <summary>All progress of one kind of work.</summary>
    public KeyRange AllProgress(string work) => KeyRange.Prefix($"{_root}progress/{work}/");

    /// <summary>Where an unreadable record is set aside.</summary>
    public byte[] Quarantined(ReadOnlySpan<byte> key) => [.. Encoding.UTF8.GetBytes(_root + "quarantine/"), .. key];

    private byte[] Key(string name) => Encoding.UTF8.GetBytes(_root + name);
}
