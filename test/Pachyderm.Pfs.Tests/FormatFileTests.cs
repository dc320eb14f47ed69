using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.TestSupport;

namespace Pachyderm.Pfs.Tests;

/// <summary>The stamp of a data directory is read by every release, so that even one that cannot use the data can say why. See <see cref="GoldenFormat"/>.</summary>
public sealed class FormatFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_stamp_has_its_golden_bytes()
    {
        GoldenFormat golden = new("Pachyderm.Pfs.Tests", "data", FormatFile.Current, "StoreFormat.Version");
        FormatFile.Write(directory.Path);
        golden.Holds("format.json", File.ReadAllBytes(directory["format.json"]));
    }

    [Fact]
    public void The_stamp_of_every_format_is_read()
    {
        for (int format = 1; format <= FormatFile.Current; format++)
        {
            FormatFile.Write(directory.Path, format, Math.Min(format, StoreFormat.MinReader));
            Assert.Equal(format, FormatFile.Read(directory.Path));
        }
    }
}
