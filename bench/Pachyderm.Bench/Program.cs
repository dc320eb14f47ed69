using System.CommandLine;
using BenchmarkDotNet.Running;
using Pachyderm.Bench.Generation;
using Pachyderm.Bench.Measuring;
using Pachyderm.Bench.Workers;
using Pachyderm.RecordStores.Snapshot;

Option<long> records = new("--records") { Description = "Number of records of the cluster.", DefaultValueFactory = _ => 1_000_000 };
Option<ulong> seed = new("--seed") { Description = "Another seed gives another cluster of the same kind.", DefaultValueFactory = _ => 1 };
Option<string> output = new("--out") { Description = "The snapshot to write.", Required = true };
Command generate = new("generate", "Write the etcd snapshot of a Pachyderm 1.4.8 cluster.") { records, seed, output };
generate.SetAction(async (parsed, cancellationToken) =>
{
    WrittenSnapshot written = await ClusterGenerator.WriteAsync(
        parsed.GetValue(output)!, parsed.GetValue(records), parsed.GetValue(seed), cancellationToken);
    Console.Out.WriteLine($"{written}");
    return 0;
});

Option<bool> etcd = new("--etcd") { Description = "Measure on a real etcd on loopback, too." };
Option<string> work = new("--work") { Description = "Directory for the files meanwhile.", DefaultValueFactory = _ => Path.GetTempPath() };
Command run = new("run", "Generate a cluster, time the real ./pachctl on it, and print a Markdown table.") { records, seed, etcd, work };
run.SetAction(async (parsed, cancellationToken) =>
{
    await ClusterBench.RunAsync(
        parsed.GetValue(records), parsed.GetValue(seed), parsed.GetValue(etcd), parsed.GetValue(work)!, cancellationToken);
    return 0;
});

Option<int> datums = new("--datums") { Description = "Number of datums for each row.", DefaultValueFactory = _ => 2000 };
Command workers = new("workers", "Time small datums in workers of each kind against xargs, and print a Markdown table.") { datums, work };
workers.SetAction(async (parsed, cancellationToken) =>
{
    await WorkerBench.RunAsync(parsed.GetValue(datums), parsed.GetValue(work)!, cancellationToken);
    return 0;
});

// Whatever follows goes to BenchmarkDotNet, such as --filter '*' --job short.
Command micro = new("micro", "Measure the parts with BenchmarkDotNet.") { TreatUnmatchedTokensAsErrors = false };
micro.SetAction(parsed => BenchmarkSwitcher.FromAssembly(typeof(ClusterBench).Assembly).Run([.. parsed.UnmatchedTokens]).Any() ? 0 : 1);

RootCommand root = new("Measures pachctl migrate and workers.") { generate, run, workers, micro };
return await root.Parse(args).InvokeAsync();
