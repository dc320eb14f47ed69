using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

public sealed class FaultInjectingMetadataStoreTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(MetadataFaultMoment.Before, false, false)]
    [InlineData(MetadataFaultMoment.During, true, false)]
    [InlineData(MetadataFaultMoment.After, true, true)]
    public async Task The_second_write_fails_at_its_moment(MetadataFaultMoment moment, bool runs, bool isKept)
    {
        using TemporaryDirectory directory = new();
        SqliteMetadataStore inner = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = directory["metadata.db"] }, Token);
        MetadataFault fault = new(moment, new TimeoutException());
        await using FaultInjectingMetadataStore store = new(
            inner, call => call is { Operation: MetadataOperation.Write, Number: 2 } ? fault : null);
        int ran = 0;
        Task<int> Write(string tag) => store.WriteAsync(
            writer =>
            {
                writer.PutTag(new TagRecord(tag, "hash"));
                return ++ran;
            },
            Token);

        await Write("one");
        Assert.Equal(inner.Format, store.Format);
        Assert.Same(fault.Exception, await Assert.ThrowsAsync<TimeoutException>(() => Write("two")));
        Assert.Equal(runs ? 2 : 1, ran);
        Assert.Equal(isKept, await store.ReadAsync(reader => reader.FindTag("two"), Token) is not null);
        await Write("three");
        Assert.NotNull(await store.ReadAsync(reader => reader.FindTag("three"), Token));
        Assert.Equal(
            [
                new(MetadataOperation.Write, 1), new(MetadataOperation.Write, 2), new(MetadataOperation.Read, 1),
                new(MetadataOperation.Write, 3), new(MetadataOperation.Read, 2),
            ],
            store.Calls);
    }

    [Fact]
    public async Task Reads_and_waits_fail_too()
    {
        using TemporaryDirectory directory = new();
        SqliteMetadataStore inner = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = directory["metadata.db"] }, Token);
        await using FaultInjectingMetadataStore store = new(
            inner,
            call => call.Operation == MetadataOperation.Write
                ? null
                : new MetadataFault(MetadataFaultMoment.Before, new TimeoutException()));
        await Assert.ThrowsAsync<TimeoutException>(() => store.ReadAsync(reader => reader.LastChange, Token));
        await Assert.ThrowsAsync<TimeoutException>(() => store.WaitForChangeAsync(0, Token));
    }
}

/// <summary>Without a plan that fails, the wrapper is a store like any other.</summary>
public sealed class FaultInjectingConformanceTests : MetadataStoreConformance
{
    private readonly TemporaryDirectory _directory = new();

    protected override async Task<IMetadataStore> OpenAsync() => new FaultInjectingMetadataStore(
        await SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = _directory["metadata.db"] }, Token), _ => null);

    protected override ValueTask CleanUpAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
