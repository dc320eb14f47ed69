#if CONTAINERS
using Pachyderm.Workers.Containers;

namespace Pachyderm.Workers.Tests;

/// <summary>
/// Real containers: build with <c>-p:ContainerTests=true</c> and set <c>PACH_TEST_IMAGE</c> to an image with a shell, coreutils, util-linux
/// and perl, and where the machine needs it <c>PACH_TEST_ENGINE_ARGUMENTS</c> and <c>PACH_TEST_RUN_ARGUMENTS</c>, words with blanks between.
/// </summary>
public sealed class ContainerConformance : WorkerBackendConformance
{
    protected override async Task<IWorkerBackend> CreateAsync(WorkerOptions options, CancellationToken cancellationToken) =>
        await ContainerWorkerBackend.CreateAsync(
            options,
            new ContainerOptions { EngineArguments = Words("PACH_TEST_ENGINE_ARGUMENTS"), RunArguments = Words("PACH_TEST_RUN_ARGUMENTS") },
            cancellationToken);

    private static string[] Words(string variable) =>
        Environment.GetEnvironmentVariable(variable)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
}
#endif
