using Pachyderm.EndToEnd.Tests.Support;

[assembly: AssemblyFixture(typeof(UndisturbedRun))]

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>A migration of the small snapshot that nothing disturbed: what every disturbed one must come to in the end.</summary>
public sealed class UndisturbedRun : IAsyncLifetime, IDisposable
{
    private Workspace? _workspace;

    /// <summary>The fault points that it passed, in order.</summary>
    public IReadOnlyList<string> Points { get; private set; } = [];

    /// <summary>What the source held.</summary>
    public StoreState Before { get; private set; } = null!;

    /// <summary>What the migrated snapshot holds.</summary>
    public StoreState After { get; private set; } = null!;

    /// <summary>The files of the storage root before.</summary>
    public IReadOnlyDictionary<string, string> StorageBefore { get; private set; } = null!;

    /// <summary>The files of the storage root afterwards.</summary>
    public IReadOnlyDictionary<string, string> StorageAfter { get; private set; } = null!;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        _workspace = new Workspace(withStorage: true);
        Before = await StoreState.OfSnapshotAsync(_workspace.Source);
        StorageBefore = Workspace.FilesOf(_workspace.Storage);
        (PachctlResult result, Points) = await PachctlProcess.RunTracedAsync(["migrate", .. _workspace.SnapshotArguments, "--storage", _workspace.Storage]);
        result.MustExitWith(0);
        After = await StoreState.OfSnapshotAsync(_workspace.Output);
        StorageAfter = Workspace.FilesOf(_workspace.Storage);
    }

    /// <summary>Asserts that a store holds what this run came to.</summary>
    public void MustEqual(StoreState state, string because) => Same.Entries(After.Content, state.Content, because);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _workspace?.Dispose();
        _workspace = null;
    }
}
