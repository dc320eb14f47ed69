using System.Formats.Tar;
using System.IO.Compression;
using Pachyderm.Formats.Content;
using Pachyderm.Pfs;
using Pachyderm.Pps;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Tests;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.TestSupport;

namespace Pachyderm.Scheduling.Tests;

/// <summary>Results that genuine clusters of old releases left behind.</summary>
public sealed class LegacyResultTests
{
    [Theory]
    [InlineData("pachyderm-1.5.3-small")]
    [InlineData("pachyderm-1.4.8-small")]
    public async Task Results_of_old_releases_are_taken_over_and_nothing_runs_again(string set)
    {
        GenuineCluster old = new(set);
        string folder = Directory.CreateTempSubdirectory("legacy-").FullName;
        try
        {
            await using JobBed bed = await JobBed.OpenAsync();
            LegacyContentStore content = await UnpackAsync(set, folder);
            await CopyObjectsAsync(bed, old, content);
            int jobs = 0;
            // Of the last version of each pipeline: an upgrade brings no other.
            foreach (Job genuine in old.Jobs
                .GroupBy(static job => job.Pipeline)
                .SelectMany(static jobs => jobs.Where(job => job.PipelineVersion == jobs.Max(static other => other.PipelineVersion)))
                .Where(static job => job.State == JobState.Success))
            {
                DatumSet datums = await DatumSet.OpenAsync(genuine.Input, old, JobBed.Token);
                await RunAgainAsync(bed, old, content, genuine, datums);
                jobs++;
            }
            Assert.InRange(jobs, 10, int.MaxValue);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunAgainAsync(JobBed bed, GenuineCluster old, LegacyContentStore content, Job genuine, DatumSet datums)
    {
        List<CommitName> commits = [];
        foreach (CommitRef source in genuine.Input.Sources())
        {
            RepoName repo = new(source.Repo);
            if ((await bed.Cluster.Files.Repos.ListAsync([], JobBed.Token)).All(info => info.Name != repo))
            {
                await bed.Cluster.CreateRepoAsync(source.Repo);
            }
            using IChunkWriter writer = bed.Cluster.Chunks.OpenWriter();
            DirectoryReference? tree = old.TreeOf(source) is { } found ? await UpgradeAsync(old, found, writer) : null;
            await writer.FlushAsync(JobBed.Token);
            CommitName commit = await bed.Cluster.Files.Commits.BuildAsync(
                new CommitOrigin(repo, null, new BranchName("master"), []), tree, JobBed.Token);
            commits.Add(commit);
        }
        Pipeline pipeline = old.PipelineOf(genuine);
        if ((await bed.Cluster.Files.Repos.ListAsync([], JobBed.Token)).All(info => info.Name.Value != pipeline.Name.Value))
        {
            await bed.Cluster.CreateRepoAsync(pipeline.Name.Value);
        }
        await bed.StoreAsync(pipeline);
        Job ended = await bed.RunAsync(pipeline, null, [.. commits]);
        Assert.True(ended.State == JobState.Success, $"{genuine.Pipeline}: {ended.Reason}");
        Assert.Equal((datums.Count, 0L, datums.Count), ((int)ended.DataTotal, ended.DataProcessed, (int)ended.DataSkipped));
        await AssertOutputAsync(bed, old, content, pipeline, datums, ended);
    }

    /// <summary>A tree with the hashes of the old release, as an upgrade makes it.</summary>
    private static async Task<DirectoryReference> UpgradeAsync(GenuineCluster old, HashTree tree, IChunkWriter writer)
    {
        TreeBuilder builder = new(writer);
        foreach (HashTreeNode node in tree.Walk())
        {
            TreePath path = TreePath.FromBytes(node.PathBytes.ToArray());
            ChunkId hash = new(node.Hash.Span);
            if (node.IsDirectory)
            {
                await builder.AddDirectoryAsync(path, hash, JobBed.Token);
                continue;
            }
            byte[] bytes = [.. node.Objects.SelectMany(name => old.Objects[name])];
            FileContent content = await FileContents.WriteAsync(bytes, writer, JobBed.Token);
            await builder.AddFileAsync(path, content with { Hash = hash }, JobBed.Token);
        }
        return await builder.FinishAsync(JobBed.Token);
    }

    /// <summary>Puts the output together from the trees of the old release, and compares.</summary>
    private static async Task AssertOutputAsync(
        JobBed bed, GenuineCluster old, LegacyContentStore content, Pipeline pipeline, DatumSet datums, Job ended)
    {
        SortedDictionary<string, string> expected = new(StringComparer.Ordinal);
        foreach (Datum datum in datums)
        {
            DatumTag native = new DatumIdentity(pipeline.Name, pipeline.Salt).TagOf(datum.Parts.Items.AsSpan());
            IEnumerable<DatumTag> tags = Pps.Legacy.LegacyIdentity.Of(pipeline)?.TagsOf(datum.Parts) ?? [];
            DatumTag found = tags.Prepend(native).First(tag => old.Tags.Contains(tag.ToString()));
            string tree = (await content.ResolveTagAsync(found.ToString(), JobBed.Token))!;
            foreach (HashTreeNode file in (await content.ReadHashTreeAsync(tree, JobBed.Token)).Walk().Where(static node => !node.IsDirectory))
            {
                string text = string.Concat(file.Objects.Select(name => System.Text.Encoding.UTF8.GetString(old.Objects[name])));
                expected[file.Path] = expected.GetValueOrDefault(file.Path) + text;
            }
        }
        Assert.Equal(expected, await bed.OutputAsync(ended));
    }

    private static async Task<LegacyContentStore> UnpackAsync(string set, string folder)
    {
        await using GZipStream archive = new(
            File.OpenRead(Path.Combine(RepositoryPaths.Fixture(set), "object-store.tar.gz")), CompressionMode.Decompress);
        await using TarReader reader = new(archive);
        while (await reader.GetNextEntryAsync(cancellationToken: JobBed.Token) is { } entry)
        {
            string path = Path.Combine(folder, entry.Name);
            if (entry.EntryType is TarEntryType.Directory)
            {
                Directory.CreateDirectory(path);
            }
            else if (entry.EntryType is TarEntryType.SymbolicLink)
            {
                // As the server left them: they lead to where its root was.
                File.CreateSymbolicLink(path, entry.LinkName);
            }
            else
            {
                await entry.ExtractToFileAsync(path, overwrite: true, JobBed.Token);
            }
        }
        return await LegacyContentStore.OpenAsync(Path.Combine(folder, "pach"), JobBed.Token);
    }

    private static async Task CopyObjectsAsync(JobBed bed, GenuineCluster old, LegacyContentStore content)
    {
        foreach ((string name, byte[] bytes) in old.Objects)
        {
            ObjectInfo put = await bed.Cluster.Files.Objects.PutAsync(Once(bytes), static () => [], JobBed.Token);
            Assert.Equal(name, put.Hash);
        }
        foreach (string tag in old.Tags)
        {
            await bed.Cluster.Files.Objects.TagAsync((await content.ResolveTagAsync(tag, JobBed.Token))!, [tag], JobBed.Token);
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Once(byte[] bytes)
    {
        await Task.CompletedTask;
        yield return bytes;
    }
}
