using System.Text;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Tests.Support;

namespace Pachyderm.Migration.Tests.Conversion;

public sealed class JobRuleTests
{
    private const string OldPipeline =
        """id:"present" version:2 inputs:<repo:<name:"b" > branch:"dev" glob:"/x" from:<id:"c0" > > inputs:<name:"aa" repo:<name:"a" > glob:"/*" > """;

    private const string OldInputs =
        """inputs:<commit:<repo:<name:"b" > id:"c2" > glob:"/x" lazy:true > inputs:<name:"aa" commit:<repo:<name:"a" > id:"c1" > glob:"/*" > """;

    private static readonly string Id = SyntheticCluster.Id(1);

    [Theory]
    [InlineData("", JobState.JobStarting)]
    [InlineData("state:JOB_RUNNING ", JobState.JobRunning)]
    [InlineData("state:JOB_FAILURE ", JobState.JobFailure)]
    [InlineData("state:JOB_SUCCESS ", JobState.JobSuccess)]
    [InlineData("state:JOB_STOPPED ", JobState.JobKilled)]
    [InlineData("state:JOB_STOPPED stopped:true ", JobState.JobKilled)]
    [InlineData("state:JOB_SUCCESS stopped:true ", JobState.JobSuccess)]
    public async Task A_job_keeps_its_state_and_loses_the_stopped_flag(string fields, JobState expected)
    {
        foreach (bool binary in (bool[])[false, true])
        {
            ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster { Binary = binary }.Job(Id, "p", fields));

            Assert.Equal(expected, converted.Job(Id).State);
            Assert.False(converted.Job(Id).StoppedOf14);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_inputs_of_a_job_are_folded_with_the_branches_of_its_pipeline(bool binary)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster { Binary = binary }.Pipeline("p", OldPipeline).Job(Id, "p", OldInputs));

        JobInfo job = converted.Job(Id);
        Assert.Empty(job.Inputs);

        // from_commit is the pipeline's alone: servers look jobs up by an input without it.
        Assert.Equal(
            """cross:<atom:<name:"aa" repo:"a" branch:"master" commit:"c1" glob:"/*" > > """
            + """cross:<atom:<name:"b" repo:"b" branch:"dev" commit:"c2" glob:"/x" lazy:true > > """,
            ConvertedCluster.Show(job.Input));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("deleted")]
    public async Task The_inputs_of_a_job_whose_pipeline_is_gone_are_folded_with_the_branch_master(string? pipeline)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Job(Id, pipeline, OldInputs));

        Assert.All(converted.Job(Id).Input.Cross, input => Assert.Equal("master", input.Atom.Branch.ToStringUtf8()));
    }

    [Theory]
    [InlineData("1.5.0", "", "present")]
    [InlineData("1.5.1", "present", "")]
    [InlineData("1.5.3", "present", "")]
    public async Task A_job_of_the_present_incarnation_gets_the_salt_of_its_pipeline(string to, string salt, string pipelineId)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Pipeline("p", OldPipeline).Job(Id, "p", "pipeline_id:\"present\" pipeline_version:2 state:JOB_SUCCESS "), to);

        Assert.Equal(salt, converted.Job(Id).Salt.ToStringUtf8());
        Assert.Equal(pipelineId, converted.Job(Id).PipelineId.ToStringUtf8());
        Assert.Equal(2UL, converted.Job(Id).PipelineVersion);
    }

    [Theory]
    [InlineData("1.5.0", "past")]
    [InlineData("1.5.1", "")]
    [InlineData("1.5.3", "")]
    public async Task A_job_of_a_past_incarnation_gets_no_salt(string to, string pipelineId)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Pipeline("p", OldPipeline).Job(Id, "p", "pipeline_id:\"past\" pipeline_version:1 state:JOB_SUCCESS "), to);

        Assert.Empty(converted.Job(Id).Salt);
        Assert.Equal(pipelineId, converted.Job(Id).PipelineId.ToStringUtf8());
        Assert.Equal(1UL, converted.Job(Id).PipelineVersion);
    }

    [Fact]
    public async Task A_job_whose_pipeline_has_a_salt_of_its_own_does_not_get_the_old_id_as_salt()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            With15Salt(new SyntheticCluster().InBinary().Pipeline("p", OldPipeline), "random")
                .Job(Id, "p", "pipeline_id:\"present\" pipeline_version:2 state:JOB_SUCCESS "));

        // 1.5 finds such a job by its empty salt and equal version.
        Assert.Empty(converted.Job(Id).Salt);
        Assert.Equal("random", converted.Pipeline("p").Salt.ToStringUtf8());
    }

    [Theory]
    [InlineData("1.5.0", false)]
    [InlineData("1.5.1", true)]
    [InlineData("1.5.3", true)]
    public async Task Empty_stats_are_filled_in_where_the_target_reads_them(string to, bool filled)
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Job(Id, "p"), to);

        Assert.Equal(filled ? new ProcessStats() : null, converted.Job(Id).Stats);
        Assert.Equal(0, converted.Job(Id).DataSkipped);
    }

    [Fact]
    public async Task Stats_that_a_job_has_already_are_kept()
    {
        JobInfo job = new()
        {
            Job = new Job { Id = Google.Protobuf.ByteString.CopyFromUtf8(Id) },
            State = JobState.JobSuccess,
            Stats = new ProcessStats { DownloadBytes = 12 },
        };
        SyntheticCluster cluster = new();
        cluster.Message15(cluster.Keys.Job(Encoding.UTF8.GetBytes(Id)), job);
        ConvertedCluster converted = await ConvertedCluster.FromAsync(cluster);

        Assert.Equal(job, converted.Job(Id));
    }

    [Fact]
    public async Task The_error_text_of_the_earliest_jobs_is_left_behind_and_does_not_become_a_restart_count()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(
            new SyntheticCluster().Job(Id, "p", "state:JOB_FAILURE error:\"it broke\" "), "1.5.0");

        Assert.Equal($"job:<id:\"{Id}\" > pipeline:<name:\"p\" > state:JOB_FAILURE ", ConvertedCluster.Show(converted.Job(Id)));
        Assert.Equal(1, converted.Changes["leftovers of 1.4.0-1.4.3 removed"]);
    }

    [Fact]
    public async Task A_restart_count_stays_one()
    {
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Job(Id, "p", "state:JOB_FAILURE restart:3 "));

        Assert.Equal(3UL, converted.Job(Id).Restart);
    }

    [Fact]
    public async Task Fields_that_no_rule_names_keep_their_values()
    {
        const string Fields =
            """pipeline_version:3 egress:<URL:"s3://b/k" > parent_job:<id:"old" > started:<seconds:1 > finished:<seconds:2 nanos:3 > """
            + """output_commit:<repo:<name:"p" > id:"o1" > state:JOB_SUCCESS service:<internal_port:80 external_port:30080 > """
            + """outputRepo:<name:"p" > outputBranch:"master" restart:1 data_processed:5 data_total:6 worker_status:<worker_id:"w" job_id:"j" """
            + """data:<path:"/a" hash:"\001\377" > > resource_spec:<memory:"1G" > """ + SyntheticCluster.PlainInput
            + """new_branch:<name:"b" head:<repo:<name:"in" > id:"c" > > incremental:true """;
        ConvertedCluster converted = await ConvertedCluster.FromAsync(new SyntheticCluster().Job(Id, "p", Fields), "1.5.0");

        Assert.Equal(
            $"job:<id:\"{Id}\" > pipeline:<name:\"p\" > {Fields}"
                .Replace("outputRepo", "output_repo", StringComparison.Ordinal)
                .Replace("outputBranch", "output_branch", StringComparison.Ordinal),
            ConvertedCluster.Show(converted.Job(Id)));
    }

    private static SyntheticCluster With15Salt(SyntheticCluster cluster, string salt)
    {
        byte[] key = cluster.Keys.Pipeline("p"u8);
        PipelineInfo pipeline = PipelineInfo.Parser.ParseFrom(cluster.ValueOf(key));
        pipeline.Salt = Google.Protobuf.ByteString.CopyFromUtf8(salt);
        return cluster.Message15(key, pipeline);
    }
}
