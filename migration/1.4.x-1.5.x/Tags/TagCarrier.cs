using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Finds the results of past datums of 1.4 that a release of 1.5 would not find (spec/pps.md section 6): those of pipelines with
/// environment variables, which 1.5 does not hash, and those that 1.4.6 or before has named.
/// </summary>
/// <remarks>
/// Results are searched for the datums of every job that a present pipeline has run since it was created or last updated, each once, and
/// for those of the heads of its input branches. Datums of commits that no longer exist, or are open, are left out: no job can have
/// them again.
/// <para>
/// Cost: three scans of the image, one listing of the tags, one reading of each tree for each run of jobs that use it (see
/// <see cref="TreeGlobs"/>). A datum costs one hash for each job that has it and two more the first time; one that the target release
/// would not find up to 4 recipes x orders more, where n environment variables have n! orders up to 6, n for 7 and 8, and 1 beyond.
/// Memory: some 40 bytes a distinct datum of one pipeline, up to ten million of them; some 20 bytes a tag; some 300 bytes a job with
/// its commit; one tree and the nodes of a few.
/// </para>
/// </remarks>
internal sealed class TagCarrier : ITagCarrier
{
    // A job with more datums than this is not looked at, since going through them would take hours. For commits that no job has read,
    // a product may be large that nobody ever meant to compute.
    private const long MaxDatumsOfJob = 100_000_000;
    private const long MaxDatumsOfHeads = 1_000_000;

    // Datums beyond these are looked up, and may be reported, once for each job that has them.
    private const int MaxRememberedDatums = 10_000_000;

    private readonly ClusterInventory _inventory;
    private readonly bool _saltsExist;

    /// <summary>Prepares the search.</summary>
    /// <param name="inventory">What the survey found.</param>
    /// <param name="options">Where the store is carried to.</param>
    public TagCarrier(ClusterInventory inventory, StepOptions options)
    {
        ArgumentNullException.ThrowIfNull(inventory);
        ArgumentNullException.ThrowIfNull(options);
        _inventory = inventory;
        _saltsExist = options.To >= new ReleaseVersion(1, 5, 1);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<TagProposal> ProposeAsync(
        EtcdSnapshotFile source, LegacyContentStore content, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(content);
        PastWork work = await PastWork.ReadAsync(source, _inventory, cancellationToken);
        KnownTags tags = await KnownTags.ReadAsync(content, cancellationToken);
        TreeGlobs globs = new(content);
        foreach (PastPipeline pipeline in work.Pipelines.Where(pipeline => pipeline.Jobs.Count > 0))
        {
            PipelineSearch search = new(pipeline.Record, _saltsExist, tags, content);
            await foreach (TagProposal proposal in ProposeAsync(pipeline, search, work.Commits, globs, cancellationToken))
            {
                yield return proposal;
            }
        }
    }

    private static async IAsyncEnumerable<TagProposal> ProposeAsync(
        PastPipeline pipeline,
        PipelineSearch search,
        CommitTrees commits,
        TreeGlobs globs,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        HashSet<UInt128> seenWork = [];
        HashSet<UInt128> seenDatums = [];
        HashSet<string> reported = new(StringComparer.Ordinal);
        ArrayBufferWriter<byte> identity = new();
        List<DatumFile> files = [];
        List<DatumFile> storedFiles = [];
        foreach (PastJob job in pipeline.Jobs.OrderBy(job => job.Rank))
        {
            string?[] trees = [.. job.Commits.Select(commits.Tree)];
            if (!seenWork.Add(IdentityOf(job, trees)))
            {
                continue;
            }

            (DatumSet? datums, string thing, string? problem) = await ReadDatumsAsync(job, trees, commits, globs, cancellationToken);
            if (datums is null)
            {
                if (job.State is not null && reported.Add(problem!))
                {
                    yield return new TagProposal(KeyText.Show(pipeline.Record.Pipeline.Name.Span), thing, "", null, problem);
                }

                continue;
            }

            for (long index = 0; index < datums.Count; index++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                files.Clear();
                datums.Fill(index, sorted: true, files);
                UInt128 datum = IdentityOf(files, identity);
                if (seenDatums.Count < MaxRememberedDatums ? !seenDatums.Add(datum) : seenDatums.Contains(datum))
                {
                    continue;
                }

                if (!datums.IsSorted)
                {
                    storedFiles.Clear();
                    datums.Fill(index, sorted: false, storedFiles);
                }

                if (await search.FindAsync(files, datums.IsSorted ? null : storedFiles, job, cancellationToken) is { } proposal)
                {
                    yield return proposal;
                }
            }
        }
    }

    private static async Task<(DatumSet? Datums, string Thing, string? Problem)> ReadDatumsAsync(
        PastJob job, string?[] trees, CommitTrees commits, TreeGlobs globs, CancellationToken cancellationToken)
    {
        IReadOnlyList<InputLeaf> leaves = job.Shape.Leaves;
        DatumFile[][] files = new DatumFile[leaves.Count][];
        for (int i = 0; i < files.Length; i++)
        {
            GlobMatches matches = await globs.MatchAsync(trees[i], leaves[i].Glob, cancellationToken);
            if (matches.Problem is not null)
            {
                string commit = KeyText.Show(commits.Name(job.Commits[i]).Span);
                return (null, $"all datums of {commit}", $"the tree of commit {commit} cannot be read: {matches.Problem}");
            }

            ReadOnlyMemory<byte> name = leaves[i].Name.Memory;
            files[i] = [.. matches.Nodes.Select(node => new DatumFile(name, node.Path, node.Hash))];
        }

        DatumSet datums = DatumSet.Build(job.Shape.Input, files);
        return datums.Count <= (job.State is null ? MaxDatumsOfHeads : MaxDatumsOfJob)
            ? (datums, "", null)
            : (null, "all datums of a job", string.Create(CultureInfo.InvariantCulture, $"its input has {datums.Count} datums, which are too many to look for"));
    }

    private static UInt128 IdentityOf(PastJob job, string?[] trees) =>
        Shorten(SHA256.HashData([.. job.Shape.Key.Span, .. MemoryMarshal.AsBytes(string.Join('\n', trees).AsSpan())]));

    // What a release hashes of a datum: datums of one pipeline that agree in it have one result.
    private static UInt128 IdentityOf(List<DatumFile> files, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        foreach (DatumFile file in files)
        {
            buffer.Write(file.InputName.Span);
            buffer.Write(file.Path.Span);
            buffer.Write(file.Hash.Span);
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer.WrittenSpan, hash);
        return Shorten(hash);
    }

    private static UInt128 Shorten(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<UInt128>(hash);
}
