using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

public sealed class SqliteConformanceTests : MetadataStoreConformance
{
    private readonly TemporaryDirectory _directory = new();

    protected override async Task<IMetadataStore> OpenAsync() =>
        await SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = _directory["metadata.db"], RetainedChanges = 1_000 }, Token);

    protected override ValueTask CleanUpAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
