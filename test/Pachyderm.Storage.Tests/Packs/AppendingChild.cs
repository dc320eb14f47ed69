using System.Globalization;
using System.Runtime.CompilerServices;
using Pachyderm.ObjectStores;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Tests.Packs;

/// <summary>
/// This program as a child of a test: it puts and flushes chunks, and tells each number whose chunk is acknowledged, until it is killed.
/// It runs before the test platform, on the main thread alone, since no other may enter this module meanwhile.
/// </summary>
internal static class AppendingChild
{
    public const string RootVariable = "PACHYDERM_STORAGE_TEST_CHILD";
    public const string FirstVariable = "PACHYDERM_STORAGE_TEST_FIRST";

    public static PackStoreOptions Options(string root) => new()
    {
        Objects = new LocalObjectStore(Path.Combine(root, "objects")),
        SpoolDirectory = Path.Combine(root, "spool"),
        IndexDirectory = Path.Combine(root, "index"),
        PackSize = 40_000,
        IndexTableLimit = 60,
    };

    public static byte[] Content(int number) => StoreExtensions.Random(number, 100 + (number * 37 % 3_000));

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(RootVariable) is not { } root)
        {
            return;
        }

        int number = int.Parse(Environment.GetEnvironmentVariable(FirstVariable)!, CultureInfo.InvariantCulture);
        PackChunkStore store = PackChunkStore.OpenAsync(Options(root), CancellationToken.None).GetAwaiter().GetResult();
        while (true)
        {
            using IChunkWriter writer = store.OpenWriter();
            int first = number;
            for (; number < first + 3; number++)
            {
                writer.PutAsync(Content(number), CancellationToken.None).AsTask().GetAwaiter().GetResult();
            }

            writer.FlushAsync(CancellationToken.None).GetAwaiter().GetResult();
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number - 1}"));
        }
    }
}
