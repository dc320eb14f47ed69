using System.CommandLine;
using BenchmarkDotNet.Running;
using Pachyderm.Bench.Backups;
using Pachyderm.Bench.Budgets;
using Pachyderm.Bench.Generation;
using Pachyderm.Bench.Importing;
using Pachyderm.Bench.Measuring;
using Pachyderm.Bench.Pfs;
using Pachyderm.Bench.Pipelines;
using Pachyderm.Bench.Storage;
using Pachyderm.Bench.Trees;
using Pachyderm.Bench.Upgrades;
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

Option<int> commits = new("--commits") { Description = "Number of commits of the cluster.", DefaultValueFactory = _ => 10_000 };
Option<int> added = new("--files") { Description = "Number of files that each commit adds.", DefaultValueFactory = _ => 100 };
Option<int> length = new("--size") { Description = "Bytes of a file.", DefaultValueFactory = _ => 1024 };
Option<bool> inPlaceOnly = new("--in-place-only") { Description = "Copy nothing, neither by the import nor with cp." };
Command import = new("import", "Generate a 1.5.3 cluster with its objects, and time its import into a data directory beside cp -r.") { commits, added, length, inPlaceOnly, work };
import.SetAction(async (parsed, cancellationToken) =>
{
    await ImportBench.RunAsync(
        parsed.GetValue(commits), parsed.GetValue(added), parsed.GetValue(length), parsed.GetValue(inPlaceOnly), parsed.GetValue(work)!, cancellationToken);
    return 0;
});

// Whatever follows goes to BenchmarkDotNet, such as --filter '*' --job short.
Command micro = new("micro", "Measure the parts with BenchmarkDotNet.") { TreatUnmatchedTokensAsErrors = false };
micro.SetAction(parsed => BenchmarkSwitcher.FromAssembly(typeof(ClusterBench).Assembly).Run([.. parsed.UnmatchedTokens]).Any() ? 0 : 1);

Option<int[]> sizes = new("--files")
{
    Description = "Numbers of files to measure.",
    AllowMultipleArgumentsPerToken = true,
    DefaultValueFactory = _ => [1_000, 100_000, 1_000_000],
};
Command growth = new("growth", "Time commits, lists, globs and diffs in repos of different sizes on the real ./pachd.") { sizes, work };
growth.SetAction(async (parsed, cancellationToken) =>
{
    await GrowthBench.RunAsync(PachctlProcess.Checkout, parsed.GetValue(work)!, parsed.GetValue(sizes)!, cancellationToken);
    return 0;
});

Command operations = new("operations", "Count small operations a second on the real ./pachd, from 1 and from 16 clients.") { work };
operations.SetAction(async (parsed, cancellationToken) =>
{
    await OperationsBench.RunAsync(PachctlProcess.Checkout, parsed.GetValue(work)!, cancellationToken);
    return 0;
});

Option<long> fileSize = new("--size") { Description = "Size of the file in bytes.", DefaultValueFactory = _ => 20_000_000_000 };
Option<int> entries = new("--entries") { Description = "Number of entries of the directory.", DefaultValueFactory = _ => 1_000_000 };
Command memory = new("memory", "Tell what memory the real ./pachd takes for one very large file and a directory of very many entries.") { fileSize, entries, work };
memory.SetAction(async (parsed, cancellationToken) =>
{
    await MemoryBench.RunAsync(
        PachctlProcess.Checkout, parsed.GetValue(work)!, parsed.GetValue(fileSize), parsed.GetValue(entries), cancellationToken);
    return 0;
});

Option<int> largest = new("--files") { Description = "Number of files of the largest tree.", DefaultValueFactory = _ => 1_000_000 };
Option<bool> shapes = new("--shapes") { Description = "Compare shapes of nodes instead." };
Command trees = new("trees", "Time trees of files in memory, and count their nodes, and print Markdown tables.") { largest, shapes };
trees.SetAction(async (parsed, cancellationToken) =>
{
    await (parsed.GetValue(shapes) ? NodeShapeBench.RunAsync(parsed.GetValue(largest), cancellationToken)
        : TreeBench.RunAsync(parsed.GetValue(largest), cancellationToken));
    return 0;
});

Option<int> jobDatums = new("--datums") { Description = "Number of datums of the job that is compared with xargs.", DefaultValueFactory = _ => 10_000 };
Option<int> inputs = new("--inputs") { Description = "Number of files to which one is added.", DefaultValueFactory = _ => 5_000 };
Command pipelines = new("pipelines", "Time jobs of many datums and of one on the real ./pachd, beside xargs.") { jobDatums, inputs, work };
pipelines.SetAction(async (parsed, cancellationToken) =>
{
    await PipelineBench.RunAsync(
        PachctlProcess.Checkout, parsed.GetValue(work)!, parsed.GetValue(jobDatums), parsed.GetValue(inputs), cancellationToken);
    return 0;
});

Option<int> knownDatums = new("--datums") { Description = "Number of datums that have results.", DefaultValueFactory = _ => 1_000_000 };
Command planning = new("planning", "Time the planning of jobs of which nearly every datum has a result, on the real ./pachd.") { knownDatums, work };
planning.SetAction(async (parsed, cancellationToken) =>
{
    await PlanningBench.RunAsync(PachctlProcess.Checkout, parsed.GetValue(work)!, parsed.GetValue(knownDatums), cancellationToken);
    return 0;
});

Option<int> objects = new("--objects") { Description = "Number of objects, each with a tag.", DefaultValueFactory = _ => 1_000_000 };
Command upgrade = new("upgrade", "Time the upgrade of a data directory of format 1, and the way back, by the real ./pachctl.") { objects, work };
upgrade.SetAction(async (parsed, cancellationToken) =>
{
    await UpgradeBench.RunAsync(parsed.GetValue(work)!, parsed.GetValue(objects), cancellationToken);
    return 0;
});

Option<int> mebibytes = new("--size") { Description = "Size of the large file in MiB.", DefaultValueFactory = _ => 2_048 };
Option<int> small = new("--files") { Description = "Number of files of 4 KiB.", DefaultValueFactory = _ => 100_000 };
Command backup = new("backup", "Time backups and restores of a data directory by the real ./pachctl beside restic and cp.") { mebibytes, small, work };
backup.SetAction(async (parsed, cancellationToken) =>
{
    await BackupBench.RunAsync(
        PachctlProcess.Checkout, parsed.GetValue(work)!, parsed.GetValue(mebibytes), parsed.GetValue(small), cancellationToken);
    return 0;
});

Command budgets = new("budgets", "Check what the hot paths allocate against their budgets; exit code 1 if one is exceeded.") { work };
budgets.SetAction(async (parsed, cancellationToken) => await BudgetBench.RunAsync(parsed.GetValue(work)!, cancellationToken) ? 0 : 1);

RootCommand root = new("Measures pachctl and pachd, and their parts.")
{
    generate, run, import, growth, memory, operations, pipelines, planning, trees, StorageBench.CreateCommand(), workers, upgrade, backup, micro,
    budgets,
};
return await root.Parse(args).InvokeAsync();
