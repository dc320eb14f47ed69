using System.Runtime.CompilerServices;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Adoption;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Adoption;

/// <summary>
/// This program as a child of a test: it copies adopted chunks, and tells each place where a kill may come, until it is killed or done.
/// It runs before the test platform; other threads than the main one may run no code of this module meanwhile.
/// </summary>
internal static class ConsolidatingChild
{
    public const string RootVariable = "PACHYDERM_STORAGE_TEST_CONSOLIDATION";
    public const string SourceVariable = "PACHYDERM_STORAGE_TEST_SOURCE";

    public static PackStoreOptions Options(string root, string source) => new()
    {
        Objects = new LocalObjectStore(Path.Combine(root, "objects")),
        SpoolDirectory = Path.Combine(root, "spool"),
        IndexDirectory = Path.Combine(root, "index"),
        AdoptedFrom = [new AdoptionSource("old", new LocalObjectStore(source))],
        AdoptedPackChunks = 50,
        PackSize = 20_000,
        IndexTableLimit = 30,
    };

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(RootVariable) is not { } root)
        {
            return;
        }

        PackStoreOptions options = Options(root, Environment.GetEnvironmentVariable(SourceVariable)!);
        PackChunkStore store = PackChunkStore
            .OpenAsync(options with { FaultPoint = Console.Out.WriteLine }, CancellationToken.None).GetAwaiter().GetResult();
        store.ConsolidateAsync("old", options: null, CancellationToken.None).GetAwaiter().GetResult();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Environment.Exit(0);
    }
}
