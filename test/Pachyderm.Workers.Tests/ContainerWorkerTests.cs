using Pachyderm.Errors;
using Pachyderm.Workers.Containers;

namespace Pachyderm.Workers.Tests;

/// <summary>The container backend as far as it goes without an engine. With one, see <c>ContainerConformance</c>.</summary>
public sealed class ContainerWorkerTests
{
    [Fact]
    public void A_container_is_started_with_the_directories_limits_and_image_of_its_worker()
    {
        WorkerSpec spec = new()
        {
            Name = "edges",
            Command = ["cp"],
            Image = "registry/edges:1",
            Limits = new ResourceLimits(100_000_000, 0.5),
            Mounts = [new ReadOnlyMount("/srv/key", "/secrets/key")],
        };
        ContainerOptions containers = new() { EngineArguments = ["--runtime", "runc"], RunArguments = ["--ulimit", "nofile=20000:20000"] };
        WorkerOptions options = new() { ScratchDirectory = "/s", Network = false, MaxProcesses = 99 };
        ContainerEngine engine = new("podman", containers);
        string line = string.Join(' ', new ContainerHost(options, containers, "/s/edges-1", engine, spec, "pachyderm-edges-1").RunArguments());

        Assert.StartsWith("run --rm --interactive --name pachyderm-edges-1 --workdir /scratch --entrypoint /bin/sh --user ", line, StringComparison.Ordinal);
        Assert.Contains(
            " --cap-drop ALL --security-opt no-new-privileges --pids-limit 99 --network none --memory 100000000 --cpus 0.5 ", line, StringComparison.Ordinal);
        foreach ((string source, string target) in ((string, string)[])[("pfs", "/pfs"), ("tmp", "/tmp"), ("scratch", "/scratch"), ("shm", "/dev/shm")])
        {
            Assert.Contains($" --mount type=bind,source=/s/edges-1/slot/{source},target={target} ", line, StringComparison.Ordinal);
        }

        Assert.Contains(" --mount type=bind,source=/s/edges-1/control,target=/run/pach,readonly ", line, StringComparison.Ordinal);
        Assert.EndsWith(
            " --mount type=bind,source=/srv/key,target=/secrets/key,readonly --ulimit nofile=20000:20000 registry/edges:1 /run/pach/supervisor",
            line,
            StringComparison.Ordinal);
        Assert.StartsWith("--runtime runc run", string.Join(' ', engine.Describe(["run"]).ArgumentList), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_engine_that_is_not_there_is_named()
    {
        OperatorException refusal = await Assert.ThrowsAsync<OperatorException>(() => ContainerWorkerBackend.CreateAsync(
            new WorkerOptions { ScratchDirectory = "/nonexistent" },
            new ContainerOptions { Engine = "no-such-engine" },
            TestContext.Current.CancellationToken));
        Assert.Equal("container-engine-missing", refusal.Id);
        Assert.Contains("no-such-engine is not installed", refusal.Message, StringComparison.Ordinal);
    }
}
