namespace Pachyderm.ObjectStores.Tests;

public sealed class FaultInjectingObjectStoreTests : ObjectStoreConformance, IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public FaultInjectingObjectStoreTests() => Store = new FaultInjectingObjectStore(new LocalObjectStore(_directory.Path), _ => null);

    protected override IObjectStore Store { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(FaultMoment.Before, false)]
    [InlineData(FaultMoment.During, false)]
    [InlineData(FaultMoment.After, true)]
    public async Task A_put_takes_effect_only_when_its_answer_was_lost(FaultMoment moment, bool stored)
    {
        LocalObjectStore inner = new(_directory.Path);
        FaultInjectingObjectStore store = new(inner, call => call.Number == 2 ? new ObjectStoreFault(moment, new IOException("lost")) : null);
        await store.PutAsync("first", new MemoryStream([1]), false, Token);
        await Assert.ThrowsAnyAsync<Exception>(() => store.PutAsync("second", new MemoryStream(new byte[10]), false, Token));
        Assert.Equal(stored, await inner.GetPropertiesAsync("second", Token) is not null);
        Assert.Equal(
            [new ObjectStoreCall(1, ObjectStoreOperation.Put, "first"), new ObjectStoreCall(2, ObjectStoreOperation.Put, "second")], store.Calls);
    }

    [Fact]
    public async Task A_read_breaks_in_the_middle()
    {
        FaultInjectingObjectStore store = new(
            new LocalObjectStore(_directory.Path),
            call => call.Operation == ObjectStoreOperation.OpenRead ? new ObjectStoreFault(FaultMoment.During, new IOException("lost")) : null);
        await store.PutAsync("k", new MemoryStream(new byte[1000]), false, Token);
        await using Stream stream = (await store.OpenReadAsync("k", 0, null, Token))!;
        using MemoryStream delivered = new();
        await Assert.ThrowsAsync<IOException>(() => stream.CopyToAsync(delivered, Token));
        Assert.Equal(500, delivered.Length);
    }
}
