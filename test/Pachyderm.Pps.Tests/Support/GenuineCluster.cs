using System.Buffers;
using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Jobs;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;
using Pachyderm.TestSupport;
using DatumFile = Pachyderm.Pps.Datums.DatumFile;
using V1_5 = Pachyderm.Formats.V1_5;

namespace Pachyderm.Pps.Tests;

/// <summary>Jobs, trees and tags of a set.</summary>
internal sealed class GenuineCluster : IDatumSource, IDatumResults
{
    private readonly Dictionary<CommitRef, string> trees = [];
    private readonly Dictionary<string, byte[]> objects = new(StringComparer.Ordinal);
    private readonly Dictionary<JobId, string> pipelineIds = [];

    public GenuineCluster(string set)
    {
        string folder = RepositoryPaths.Fixture(set);
        ReadObjects(Path.Combine(folder, "object-store.tar.gz"));
        ClusterKeys keys = new();
        using StreamReader lines = new(new GZipStream(File.OpenRead(Path.Combine(folder, "etcd.jsonl.gz")), CompressionMode.Decompress));
        while (lines.ReadLine() is { } line)
        {
            using JsonDocument json = JsonDocument.Parse(line);
            RecordKind kind = keys.Parse(json.RootElement.GetProperty("key").GetBytesFromBase64()).Kind;
            byte[] value = json.RootElement.GetProperty("value").GetBytesFromBase64();
            if (kind is not (RecordKind.Commit or RecordKind.Job))
            {
                continue;
            }
            ArrayBufferWriter<byte> wire = new();
            RecordCodec codec = RecordCodec.For(kind)!;
            bool isText = codec.LooksLikeText(value) && codec.Transcoder.TryTranscode(value, wire, out _);
            byte[] bytes = isText ? wire.WrittenSpan.ToArray() : value;
            if (kind == RecordKind.Job)
            {
                AddJob(V1_5.JobInfo.Parser.ParseFrom(bytes));
            }
            else if (V1_5.CommitInfo.Parser.ParseFrom(bytes) is { Tree: { } tree } commit)
            {
                trees.Add(new CommitRef(Text(commit.Commit.Repo.Name), Text(commit.Commit.Id)), Text(tree.Hash));
            }
        }
    }

    public HashSet<string> Tags { get; } = new(StringComparer.Ordinal);

    public List<Job> Jobs { get; } = [];

    /// <summary>The content of every object, by its hash.</summary>
    public IReadOnlyDictionary<string, byte[]> Objects => objects;

    /// <summary>The tree of a commit that is finished and not empty; else null.</summary>
    public HashTree? TreeOf(CommitRef commit) =>
        trees.TryGetValue(commit, out string? tree) ? HashTree.Parse(objects[tree], tree) : null;

    public Pipeline PipelineOf(Job job) => new(job.Pipeline, job.PipelineVersion, job.Salt, job.Started, job.Input, job.Workload)
    {
        LegacyId = pipelineIds[job.Id],
    };

    public async IAsyncEnumerable<DatumFile> GlobAsync(
        CommitRef commit, string glob, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        foreach (HashTreeNode node in TreeOf(commit)?.Glob(glob) ?? [])
        {
            yield return new DatumFile(TreePath.FromBytes(node.PathBytes), new ChunkId(node.Hash.Span), node.SizeBytes, node.IsDirectory);
        }
    }

    public ValueTask FindAsync(ReadOnlyMemory<DatumTag> tags, Memory<bool> known, CancellationToken cancellationToken)
    {
        for (int i = 0; i < tags.Length; i++)
        {
            known.Span[i] = Tags.Contains(tags.Span[i].ToString());
        }
        return ValueTask.CompletedTask;
    }

    private static string Text(ByteString bytes) => bytes.ToStringUtf8();

    private static Input ToInput(V1_5.Input input) => input switch
    {
        { Atom: { } atom } => new AtomInput(Text(atom.Name), Text(atom.Repo), Text(atom.Branch), Text(atom.Commit), Text(atom.Glob), atom.Lazy),
        { Cross.Count: > 0 } => new CrossInput(input.Cross.Select(ToInput).ToValueList()),
        _ => new UnionInput(input.Union.Select(ToInput).ToValueList()),
    };

    private static Transform ToTransform(V1_5.Transform transform) => new()
    {
        Image = Text(transform.Image),
        Cmd = transform.Cmd.Select(Text).ToValueList(),
        Env = Transform.SortEnv(transform.Env.Select(static entry => KeyValuePair.Create(Text(entry.Key), Text(entry.Value)))),
        Secrets = transform.Secrets.Select(static secret => new SecretMount(Text(secret.Name), Text(secret.MountPath))).ToValueList(),
        Stdin = transform.Stdin.Select(Text).ToValueList(),
        AcceptReturnCode = transform.AcceptReturnCode.ToValueList(),
        Debug = transform.Debug,
        ImagePullSecrets = transform.ImagePullSecrets.Select(Text).ToValueList(),
    };

    private void AddJob(V1_5.JobInfo info)
    {
        Job job = new(
            new JobId(Text(info.Job.Id)), new PipelineName(Text(info.Pipeline.Name)), info.PipelineVersion, new Salt(Text(info.Salt)),
            ToInput(info.Input), new Workload(ToTransform(info.Transform), "master"), new DateTimeOffset(2017, 8, 17, 23, 11, 40, TimeSpan.Zero));
        Jobs.Add(Job.Restore(
            job, (JobState)(int)info.State, new JobProgress(0, 0, 0, default), new JobOutcome(info.Restart, null, null, null, "")));
        pipelineIds.Add(job.Id, Text(info.PipelineId));
    }

    private void ReadObjects(string archive)
    {
        using TarReader reader = new(new GZipStream(File.OpenRead(archive), CompressionMode.Decompress));
        while (reader.GetNextEntry() is { } entry)
        {
            string name = entry.Name[(entry.Name.LastIndexOf('/') + 1)..];
            if (entry.Name.Contains("pach/tag/", StringComparison.Ordinal) && name.Length > 0)
            {
                Tags.Add(name);
            }
            else if (entry.Name.Contains("pach/object/", StringComparison.Ordinal) && entry.EntryType is TarEntryType.RegularFile)
            {
                using MemoryStream content = new();
                entry.DataStream?.CopyTo(content);
                objects.Add(name, content.ToArray());
            }
        }
    }
}
