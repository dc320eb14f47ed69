using Google.Protobuf;
using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Verification;

/// <summary>
/// A conversion with a mistake in it is used both to write and to verify, as it would be if the mistake were in the program. Verification
/// must find it by its own knowledge of what is right, and name the key.
/// </summary>
public sealed class WrongConversionTests
{
    private static readonly ClusterKeys Keys = new();
    private static readonly string FirstCommit = SyntheticCluster.Id(1);
    private static readonly string SecondCommit = SyntheticCluster.Id(2);
    private static readonly string OpenCommit = SyntheticCluster.Id(3);
    private static readonly string FinishedJob = SyntheticCluster.Id(4);
    private static readonly string OldJob = SyntheticCluster.Id(5);
    private static readonly string LostJob = SyntheticCluster.Id(6);

    private static readonly byte[] RepoKey = Keys.Repo("out"u8);
    private static readonly byte[] CommitKey = Keys.Commit("out"u8, SyntheticCluster.Bytes(SecondCommit));
    private static readonly byte[] BranchKey = Keys.Branch("out"u8, "master"u8);
    private static readonly byte[] NewPipelineKey = Keys.Pipeline("tree"u8);
    private static readonly byte[] OldPipelineKey = Keys.Pipeline("list"u8);
    private static readonly byte[] JobKey = Keys.Job(SyntheticCluster.Bytes(FinishedJob));
    private static readonly byte[] OldJobKey = Keys.Job(SyntheticCluster.Bytes(OldJob));
    private static readonly byte[] PastJobKey = Keys.Job(SyntheticCluster.Bytes(LostJob));
    private static readonly byte[] RefCountKey = Keys.RepoRefCount("in"u8);
    private static readonly byte[] StoppedKey = Keys.PipelineStoppedIndex(false, "tree"u8);
    private static readonly byte[] InputsKey = Keys.JobInputsIndex([SyntheticCluster.Bytes("commit:<> ")], SyntheticCluster.Bytes(OldJob));
    private static readonly byte[] LateScratchKey = ScratchKey(FirstCommit);
    private static readonly byte[] LiveScratchKey = ScratchKey(OpenCommit);
    private static readonly byte[] StaleEntryKey = Keys.OpenCommit(SyntheticCluster.Bytes(FirstCommit));
    private static readonly byte[] MissingEntryKey = Keys.OpenCommit(SyntheticCluster.Bytes(OpenCommit));
    private static readonly byte[] AclKey = Keys.AuthAcl("in"u8);
    private static readonly byte[] RepoIndexKey = Keys.RepoProvenanceIndex("in"u8, "out"u8);
    private static readonly byte[] CommitIndexKey =
        Keys.CommitProvenanceIndex("out"u8, SyntheticCluster.Bytes(SecondCommit), "in"u8, SyntheticCluster.Bytes(FirstCommit));

    private static readonly byte[] JobIndexKey = Keys.JobPipelineIndex("list"u8, SyntheticCluster.Bytes(LostJob));
    private static readonly byte[] InputIndexKey = Keys.JobInputIndex(
        """cross:<atom:<name:"in" repo:"in" branch:"dev" commit:"c1" glob:"/*" > > """u8, SyntheticCluster.Bytes(OldJob));

    private static readonly byte[] KeptJobIndexKey = Keys.JobPipelineIndex("tree"u8, SyntheticCluster.Bytes(FinishedJob));

    private static readonly Dictionary<string, (byte[] Key, Func<StoredRecord, RecordChange, RecordChange> Corrupt)> Corruptions = new(StringComparer.Ordinal)
    {
        ["a repo's size is changed"] = (RepoKey, WrongConversion.Repo(repo => repo.SizeBytes++)),
        ["a repo's creation time is lost"] = (RepoKey, WrongConversion.Repo(repo => repo.Created = null)),
        ["a repo's provenance is lost"] = (RepoKey, WrongConversion.Repo(repo => repo.Provenance.Clear())),
        ["a repo is dropped"] = (RepoKey, WrongConversion.Drop),
        ["a repo stays text"] = (RepoKey, WrongConversion.Keep),
        ["a commit's tree is another"] = (CommitKey, WrongConversion.Commit(commit => commit.Tree.Hash = Text(new string('b', 128)))),
        ["a commit's finish moves by a nanosecond"] = (CommitKey, WrongConversion.Commit(commit => commit.Finished.Nanos++)),
        ["a commit's provenance is lost"] = (CommitKey, WrongConversion.Commit(commit => commit.Provenance.Clear())),
        ["a commit's parent is lost"] = (CommitKey, WrongConversion.Commit(commit => commit.ParentCommit = null)),
        ["a commit is dropped"] = (CommitKey, WrongConversion.Drop),
        ["a branch points elsewhere"] = (BranchKey, WrongConversion.Head(head => head.Id = Text(SyntheticCluster.Id(9)))),
        ["a branch is dropped"] = (BranchKey, WrongConversion.Drop),
        ["a stopped pipeline runs"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.State = PipelineState.PipelineRunning)),
        ["a pipeline's stopped flag stays"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.StoppedOf14 = true)),
        ["a pipeline's input is another"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Atom.Glob = Text("/"))),
        ["a pipeline's constant is another"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.ParallelismSpec.Constant++)),
        ["a pipeline's unused coefficient stays"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.ParallelismSpec.Coefficient = 0.5)),
        ["a pipeline's strategy stays"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.ParallelismSpec.StrategyOf14 = 1)),
        ["a pipeline's salt is not its id"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Salt = Text("other"))),
        ["a pipeline's salt is left out"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Salt = ByteString.Empty)),
        ["a pipeline's id is lost"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Id = ByteString.Empty)),
        ["a pipeline's version is another"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Version++)),
        ["a pipeline's cache size is not that of a new one"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.CacheSize = Text("65M"))),
        ["a pipeline's cache size is left out"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.CacheSize = ByteString.Empty)),
        ["a pipeline's stats are switched on"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.EnableStats = true)),
        ["a pipeline's environment is another"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Transform.Env[0].Value = Text("x"))),
        ["a pipeline's description is lost"] = (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Description = ByteString.Empty)),
        ["a pipeline is dropped"] = (NewPipelineKey, WrongConversion.Drop),
        ["a pipeline's list of inputs stays"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Inputs.Add(new PipelineInput()))),
        ["a folded input is lost"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross.RemoveAt(0))),
        ["a folded input appears twice"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross.Add(pipeline.Input.Cross[0].Clone()))),
        ["a folded input has another name"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.Name = Text("x"))),
        ["a folded input has another repo"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.Repo = Text("x"))),
        ["a folded input has another branch"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.Branch = Text("x"))),
        ["a folded input lacks the default branch"] =
            (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[1].Atom.Branch = ByteString.Empty)),
        ["a folded input has another glob"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.Glob = Text("/x"))),
        ["a folded input is lazy"] = (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.Lazy = true)),
        ["a folded input begins elsewhere"] =
            (OldPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Input.Cross[0].Atom.FromCommit = ByteString.Empty)),
        ["folded inputs are in another order"] = (OldPipelineKey, WrongConversion.Pipeline(Reverse)),
        ["folded inputs are a union"] = (OldPipelineKey, WrongConversion.Pipeline(CrossToUnion)),
        ["a job's state is another"] = (JobKey, WrongConversion.Job(job => job.State = JobState.JobFailure)),
        ["a job's stopped flag stays"] = (JobKey, WrongConversion.Job(job => job.StoppedOf14 = true)),
        ["a job's output is another"] = (JobKey, WrongConversion.Job(job => job.OutputCommit.Id = Text("x"))),
        ["a job's input is another"] = (JobKey, WrongConversion.Job(job => job.Input.Atom.Commit = Text("x"))),
        ["a job has no stats"] = (JobKey, WrongConversion.Job(job => job.Stats = null)),
        ["a job has stats that nobody measured"] = (JobKey, WrongConversion.Job(job => job.Stats = new ProcessStats { UploadBytes = 1 })),
        ["a job's pipeline id stays"] = (JobKey, WrongConversion.Job(job => job.PipelineId = Text("tree-id"))),
        ["a job's salt is left out"] = (JobKey, WrongConversion.Job(job => job.Salt = ByteString.Empty)),
        ["a job's salt is another"] = (JobKey, WrongConversion.Job(job => job.Salt = Text("x"))),
        ["a job's start is lost"] = (JobKey, WrongConversion.Job(job => job.Started = null)),
        ["a job's restart count is another"] = (JobKey, WrongConversion.Job(job => job.Restart++)),
        ["a job is dropped"] = (JobKey, WrongConversion.Drop),
        ["a job of a past incarnation gets its id as salt"] = (PastJobKey, WrongConversion.Job(job => job.Salt = Text("past-id"))),
        ["a folded job's commit is another"] = (OldJobKey, WrongConversion.Job(job => job.Input.Cross[0].Atom.Commit = Text("c2"))),
        ["a folded job's branch is not its pipeline's"] = (OldJobKey, WrongConversion.Job(job => job.Input.Cross[0].Atom.Branch = Text("master"))),
        ["a reference count is another"] = (RefCountKey, WrongConversion.With("5"u8.ToArray())),
        ["a reference count is dropped"] = (RefCountKey, WrongConversion.Drop),
        ["a Stopped index entry stays"] = (StoppedKey, WrongConversion.Keep),
        ["an Inputs index entry stays"] = (InputsKey, WrongConversion.Keep),
        ["a late write stays"] = (LateScratchKey, WrongConversion.Keep),
        ["a write to an open commit is dropped"] = (LiveScratchKey, WrongConversion.Drop),
        ["a write to an open commit is changed"] = (LiveScratchKey, WrongConversion.With("delete?"u8.ToArray())),
        ["a stale open-commit entry stays"] = (StaleEntryKey, WrongConversion.Keep),
        ["an access list is changed"] = (AclKey, WrongConversion.With("x"u8.ToArray())),
        ["an access list is dropped"] = (AclKey, WrongConversion.Drop),
        ["a provenance index entry of a repo is dropped"] = (RepoIndexKey, WrongConversion.Drop),
        ["a provenance index entry of a commit is dropped"] = (CommitIndexKey, WrongConversion.Drop),
        ["a provenance index entry leads elsewhere"] = (CommitIndexKey, WrongConversion.With("x"u8.ToArray())),
        ["a Pipeline index entry is dropped"] = (KeptJobIndexKey, WrongConversion.Drop),
    };

    public static TheoryData<string> CorruptionNames => [.. Corruptions.Keys];

    [Fact]
    public Task The_right_conversion_passes() => VerifiedMigration.RunAsync(Cluster(), conversion => conversion);

    [Fact]
    public Task The_right_conversion_to_1_5_0_passes() => VerifiedMigration.RunAsync(Cluster(), conversion => conversion, "1.5.0");

    [Theory]
    [MemberData(nameof(CorruptionNames))]
    public async Task A_conversion_with_a_mistake_fails_if(string mistake)
    {
        (byte[] key, Func<StoredRecord, RecordChange, RecordChange> corrupt) = Corruptions[mistake];

        await AssertRefusedAsync(key, conversion => new WrongConversion(conversion, key) { Corrupt = corrupt });
    }

    [Theory]
    [MemberData(nameof(CorruptionNames))]
    public async Task What_was_written_is_found_to_differ_if(string mistake)
    {
        (byte[] key, Func<StoredRecord, RecordChange, RecordChange> corrupt) = Corruptions[mistake];

        OperatorException failure = await Assert.ThrowsAsync<OperatorException>(() => VerifiedMigration.RunAsync(
            Cluster(), conversion => new WrongConversion(conversion, key) { Corrupt = corrupt }, conversion => conversion, "1.5.3"));
        AssertNames(failure, key);
    }

    [Theory]
    [InlineData("an open-commit entry")]
    [InlineData("a Pipeline index entry")]
    [InlineData("an Input index entry")]
    public async Task A_conversion_fails_if_it_forgets_to_add(string what)
    {
        byte[] key = what switch
        {
            "an open-commit entry" => MissingEntryKey,
            "a Pipeline index entry" => JobIndexKey,
            _ => InputIndexKey,
        };

        await AssertRefusedAsync(key, conversion => new WrongConversion(conversion, key) { ForgetAddition = true });
    }

    [Theory]
    [InlineData("an open-commit entry")]
    [InlineData("an Input index entry")]
    public async Task A_conversion_fails_if_it_adds_with_another_value(string what)
    {
        byte[] key = what == "an open-commit entry" ? MissingEntryKey : InputIndexKey;

        await AssertRefusedAsync(key, conversion => new WrongConversion(conversion, key) { AddedValue = "x"u8.ToArray() });
    }

    [Theory]
    [InlineData("an open-commit entry of an unknown commit")]
    [InlineData("a Pipeline index entry of an unknown job")]
    [InlineData("a repo")]
    public async Task A_conversion_fails_if_it_adds_what_nobody_called_for(string what)
    {
        (byte[] key, byte[] value) = what switch
        {
            "an open-commit entry of an unknown commit" =>
                (Keys.OpenCommit(SyntheticCluster.Bytes(SyntheticCluster.Id(90))), SyntheticCluster.NewCommit("in", SyntheticCluster.Id(90)).ToByteArray()),
            "a Pipeline index entry of an unknown job" =>
                (Keys.JobPipelineIndex("tree"u8, SyntheticCluster.Bytes(SyntheticCluster.Id(91))), SyntheticCluster.Bytes(SyntheticCluster.Id(91))),
            _ => (Keys.Repo("extra"u8), new RepoInfo { Repo = new Repo { Name = Text("extra") } }.ToByteArray()),
        };

        await AssertRefusedAsync(key, conversion => new WrongConversion(conversion, key) { AddedValue = value });
    }

    [Theory]
    [InlineData("salt")]
    [InlineData("stats")]
    [InlineData("cache size")]
    [InlineData("pipeline id")]
    public async Task A_conversion_to_1_5_0_fails_if_it_writes_what_only_later_releases_do(string field)
    {
        (byte[] key, Func<StoredRecord, RecordChange, RecordChange> corrupt) = field switch
        {
            "salt" => (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.Salt = pipeline.Id)),
            "stats" => (JobKey, WrongConversion.Job(job => job.Stats = new ProcessStats())),
            "cache size" => (NewPipelineKey, WrongConversion.Pipeline(pipeline => pipeline.CacheSize = Text("64M"))),
            _ => (JobKey, WrongConversion.Job(job => job.PipelineId = ByteString.Empty)),
        };

        await AssertRefusedAsync(key, conversion => new WrongConversion(conversion, key) { Corrupt = corrupt }, "1.5.0");
    }

    private static async Task AssertRefusedAsync(byte[] key, Func<IRecordConversion, IRecordConversion> wrap, string to = "1.5.3") =>
        AssertNames(await Assert.ThrowsAsync<OperatorException>(() => VerifiedMigration.RunAsync(Cluster(), wrap, to)), key);

    private static void AssertNames(OperatorException failure, byte[] key)
    {
        Assert.Equal("verification-failed", failure.Id);
        Assert.Contains(KeyText.Show(key), failure.Problem, StringComparison.Ordinal);
    }

    /// <summary>A cluster on which every rule has something to do.</summary>
    private static SyntheticCluster Cluster()
    {
        SyntheticCluster cluster = new SyntheticCluster()
            .Repo("in").Repo("out", "in")
            .Commit("in", FirstCommit).Commit("in", OpenCommit, finished: false, parent: FirstCommit)
            .Commit("out", SecondCommit, parent: FirstCommit, provenance: ("in", FirstCommit))
            .Branch("in", "master", FirstCommit).Branch("out", "master", SecondCommit)
            .Pipeline(
                "tree",
                """id:"tree-id" version:2 transform:<image:"i" env:<key:"K" value:"V" > > parallelism_spec:<constant:2 coefficient:0.5 > state:PIPELINE_RUNNING """
                + $"""stopped:true {SyntheticCluster.PlainInput}description:"d" """)
            .Put(StoppedKey, "tree")
            .Pipeline(
                "list",
                """id:"list-id" version:1 inputs:<repo:<name:"in" > branch:"dev" glob:"/*" from:<id:"c0" > > inputs:<name:"z" repo:<name:"out" > glob:"/" lazy:true > """)
            .Job(
                FinishedJob,
                "tree",
                """pipeline_id:"tree-id" pipeline_version:2 started:<seconds:5 > output_commit:<repo:<name:"out" > id:"o" > state:JOB_SUCCESS """
                + SyntheticCluster.PlainInput)
            .Job(
                OldJob,
                "list",
                """pipeline_id:"list-id" pipeline_version:1 inputs:<commit:<repo:<name:"in" > id:"c1" > glob:"/*" > state:JOB_STOPPED stopped:true error:"e" """)
            .Put(InputsKey, OldJob)
            .Job(LostJob, "list", "pipeline_id:\"past-id\" state:JOB_FAILURE " + SyntheticCluster.PlainInput)
            .Put(LateScratchKey, "delete").Put(LiveScratchKey, "delete")
            .Message15(StaleEntryKey, SyntheticCluster.NewCommit("in", FirstCommit))
            .Message15(AclKey, new ACL());
        cluster.Replace(AclKey, "\n\u0005\n\u0001u\u0010\u0003");
        return cluster.Remove(JobIndexKey);
    }

    private static byte[] ScratchKey(string commit) =>
        Keys.Scratch("in"u8, SyntheticCluster.Bytes(commit), "f"u8, SyntheticCluster.Bytes(SyntheticCluster.Id(50)));

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);

    private static void Reverse(PipelineInfo pipeline)
    {
        Input[] children = [.. pipeline.Input.Cross.Reverse()];
        pipeline.Input.Cross.Clear();
        pipeline.Input.Cross.AddRange(children);
    }

    private static void CrossToUnion(PipelineInfo pipeline)
    {
        pipeline.Input.Union.AddRange(pipeline.Input.Cross);
        pipeline.Input.Cross.Clear();
    }
}
