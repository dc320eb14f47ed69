using Pachyderm.Errors;
using Pachyderm.Formats;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Tests.Support;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Engine;

/// <summary>The engine against a real etcd, in this process.</summary>
public sealed class LiveMigrationTests(EtcdFixture etcd) : IClassFixture<EtcdFixture>
{
    private static readonly string Open = SyntheticCluster.Id(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_check_and_a_rehearsal_only_read()
    {
        using LiveMigration migration = await FillAsync(Cluster());
        await using FaultInjectingRecordStore guarded = new(etcd.Store, leaveOpen: true) { ReadOnly = true };
        long before = (await etcd.Store.GetStatusAsync(Cancellation)).Revision;

        MigrationReport check = await migration.WithEngineAsync(engine => engine.CheckAsync(Cancellation), guarded);
        MigrationReport rehearsal = await migration.WithEngineAsync(engine => engine.RehearseAsync(Cancellation), guarded);

        Assert.Equal(("ready", "ready"), (check.Result, rehearsal.Result));
        Assert.Equal(before, (await etcd.Store.GetStatusAsync(Cancellation)).Revision);
        Assert.Equal((0, 0), (guarded.Commits, guarded.LeaseCalls));
        Assert.False(Directory.Exists(migration.BackupDirectory));
    }

    [Fact]
    public async Task What_a_check_forecasts_and_a_rehearsal_finds_is_what_a_migration_leaves()
    {
        using LiveMigration migration = await FillAsync(Cluster());

        MigrationReport check = await migration.WithEngineAsync(engine => engine.CheckAsync(Cancellation));
        MigrationReport rehearsal = await migration.WithEngineAsync(engine => engine.RehearseAsync(Cancellation));
        MigrationReport done = await migration.RunAsync();

        Assert.Equal("done", done.Result);
        Assert.Equal(await migration.DigestAsync(), done.After!.Digest);
        Assert.Equal(done.After.Digest, check.After!.Digest);
        Assert.Equal(done.After.Digest, rehearsal.After!.Digest);
        Assert.Equal(done.Changes, check.Changes);
        Assert.Equal(done.Changes, rehearsal.Changes);
        Assert.True(await migration.IsStampedAsync());
    }

    [Fact]
    public async Task A_second_run_changes_nothing()
    {
        using LiveMigration migration = await FillAsync(Cluster());
        await migration.RunAsync();
        long before = (await etcd.Store.GetStatusAsync(Cancellation)).Revision;

        MigrationReport again = await migration.RunAsync();

        Assert.Equal("nothing-to-do", again.Result);
        Assert.Equal(before, (await etcd.Store.GetStatusAsync(Cancellation)).Revision);
    }

    [Fact]
    public async Task A_check_and_a_rehearsal_of_a_store_that_is_there_already_say_so()
    {
        SyntheticCluster cluster = new SyntheticCluster().InBinary().Repo("in");
        cluster.Message15(cluster.Keys.Pipeline("p"u8), new Formats.V1_5.PipelineInfo
        {
            Pipeline = new Formats.V1_5.Pipeline { Name = Google.Protobuf.ByteString.CopyFromUtf8("p") },
            Input = new Formats.V1_5.Input { Atom = new Formats.V1_5.AtomInput { Repo = Google.Protobuf.ByteString.CopyFromUtf8("in") } },
            Salt = Google.Protobuf.ByteString.CopyFromUtf8("s"),
        });
        using LiveMigration migration = await FillAsync(cluster);

        Assert.Equal("nothing-to-do", (await migration.WithEngineAsync(engine => engine.CheckAsync(Cancellation))).Result);
        Assert.Equal("nothing-to-do", (await migration.WithEngineAsync(engine => engine.RehearseAsync(Cancellation))).Result);
        Assert.Equal("nothing-to-do", (await migration.RunAsync()).Result);
    }

    [Theory]
    [InlineData("1.5.0", "1.5.1")]
    [InlineData("1.5.0", "1.5.3")]
    [InlineData("1.5.1", "1.5.3")]
    public async Task After_finalize_the_next_release_can_be_reached(string first, string second)
    {
        using LiveMigration migration = await FillAsync(Cluster());
        migration.Request = migration.Request with { To = PreparedCluster.Version(first) };
        Assert.Equal("done", (await migration.RunAsync()).Result);
        migration.Request = migration.Request with { To = PreparedCluster.Version(second) };
        Assert.Equal("not-finalized", (await Assert.ThrowsAsync<OperatorException>(() => migration.RunAsync())).Id);

        await migration.WithEngineAsync(engine => engine.FinalizeAsync(Cancellation));
        MigrationReport report = await migration.RunAsync();

        Assert.Equal(("done", first, second), (report.Result, report.From, report.To));
        await migration.WithEngineAsync(engine => engine.FinalizeAsync(Cancellation));
        Assert.Equal("no-migration", (await Assert.ThrowsAsync<OperatorException>(() => migration.UndoAsync())).Id);
    }

    [Theory]
    [InlineData(CommitFault.BeforeApplied)]
    [InlineData(CommitFault.AfterApplied)]
    public async Task A_store_lost_at_any_commit_gives_the_same_digest_after_a_second_run(CommitFault fault)
    {
        SyntheticCluster cluster = Cluster();
        string expected;
        using (LiveMigration undisturbed = await FillAsync(cluster))
        {
            await undisturbed.RunAsync();
            expected = await undisturbed.DigestAsync();
        }

        for (long commit = 1; ; commit++)
        {
            using LiveMigration migration = await FillAsync(cluster);
            await using FaultInjectingRecordStore faulty = new(etcd.Store, leaveOpen: true) { FailAtCommit = commit, Fault = fault, StaysDown = true };
            Exception? failure = await Record.ExceptionAsync(() => migration.RunAsync(faulty));
            if (faulty.Commits < commit)
            {
                Assert.Null(failure);
                Assert.True(commit > 10, $"a migration takes only {faulty.Commits} commits");
                return;
            }

            Assert.True(failure is OperatorException, $"commit {commit}: {failure}");
            await migration.ExpireFenceAsync();

            MigrationReport report = await migration.RunAsync();

            Assert.True(report.Result is "done" or "nothing-to-do", $"commit {commit}: {report.Result}");
            Assert.Equal(expected, await migration.DigestAsync());
            Assert.True(await migration.IsStampedAsync());
        }
    }

    [Fact]
    public async Task A_lost_answer_alone_does_not_stop_a_migration()
    {
        SyntheticCluster cluster = Cluster();
        for (long commit = 1; ; commit++)
        {
            using LiveMigration migration = await FillAsync(cluster);
            await using FaultInjectingRecordStore faulty = new(etcd.Store, leaveOpen: true) { FailAtCommit = commit, Fault = CommitFault.AfterApplied };
            MigrationReport report = await migration.RunAsync(faulty);

            Assert.Equal("done", report.Result);
            if (faulty.Commits < commit)
            {
                return;
            }
        }
    }

    [Theory]
    [InlineData(CommitFault.BeforeApplied)]
    [InlineData(CommitFault.AfterApplied)]
    public async Task A_store_lost_at_any_commit_of_an_undo_has_its_old_bytes_after_a_second_undo(CommitFault fault)
    {
        SyntheticCluster cluster = Cluster();
        for (long commit = 1; ; commit++)
        {
            using LiveMigration migration = await FillAsync(cluster);
            string before = await migration.DigestAsync();
            await migration.RunAsync();
            await using FaultInjectingRecordStore faulty = new(etcd.Store, leaveOpen: true) { FailAtCommit = commit, Fault = fault, StaysDown = true };
            Exception? failure = await Record.ExceptionAsync(() => migration.UndoAsync(faulty));
            if (faulty.Commits >= commit)
            {
                Assert.True(failure is OperatorException, $"commit {commit}: {failure}");
                await migration.ExpireFenceAsync();
                Exception? second = await Record.ExceptionAsync(() => migration.UndoAsync());

                // Done already, but for the answer.
                Assert.True(second is null or OperatorException { Id: "no-migration" }, $"commit {commit}: {second}");
            }

            Assert.Equal(before, await migration.DigestAsync());
            Assert.False(await migration.IsStampedAsync());
            if (faulty.Commits < commit)
            {
                Assert.Null(failure);
                return;
            }
        }
    }

    [Fact]
    public async Task A_second_operator_is_told_who_holds_the_fence()
    {
        using LiveMigration migration = await FillAsync(Cluster());
        OperatorException? refused = null;
        await using FaultInjectingRecordStore watched = new(etcd.Store, leaveOpen: true)
        {
            BeforeCommit = async (commit, _) =>
            {
                if (commit == 6)
                {
                    refused = await Assert.ThrowsAnyAsync<OperatorException>(() => migration.RunAsync());
                }
            },
        };

        Assert.Equal("done", (await migration.RunAsync(watched)).Result);
        Assert.Equal("fence-held", refused?.Id);
        Assert.Contains($"process {Environment.ProcessId}", refused!.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_whose_fence_is_taken_away_stops_and_can_be_resumed()
    {
        SyntheticCluster cluster = Cluster();
        for (long at = 3; ; at++)
        {
            using LiveMigration migration = await FillAsync(cluster);
            await using FaultInjectingRecordStore watched = new(etcd.Store, leaveOpen: true)
            {
                BeforeCommit = async (commit, _) =>
                {
                    if (commit == at)
                    {
                        await migration.ExpireFenceAsync();
                    }
                },
            };
            Exception? failure = await Record.ExceptionAsync(() => migration.RunAsync(watched));
            if (watched.Commits < at)
            {
                Assert.Null(failure);
                return;
            }

            Assert.Equal("fence-lost", Assert.IsAssignableFrom<OperatorException>(failure).Id);
            Assert.True((await migration.RunAsync()).Result is "done" or "nothing-to-do");
            Assert.True(await migration.IsStampedAsync());
        }
    }

    [Theory]
    [InlineData("a new record")]
    [InlineData("a changed record")]
    [InlineData("a deleted record")]
    public async Task A_foreign_write_at_any_moment_stops_the_migration_or_is_listed_by_undo(string what)
    {
        SyntheticCluster cluster = Cluster();
        byte[] key = what == "a new record" ? cluster.Keys.Repo("foreign"u8) : cluster.Keys.Repo("in"u8);
        byte[] value = what == "a changed record" ? "repo:<name:\"in\" > size_bytes:9 "u8.ToArray() : "repo:<name:\"foreign\" > "u8.ToArray();
        for (long at = 1; ; at++)
        {
            using LiveMigration migration = await FillAsync(cluster);
            await using FaultInjectingRecordStore watched = new(etcd.Store, leaveOpen: true)
            {
                BeforeCommit = async (commit, _) =>
                {
                    if (commit == at)
                    {
                        await (what == "a deleted record" ? etcd.DeleteAsync(key) : etcd.PutAsync(key, value));
                    }
                },
            };
            Exception? failure = await Record.ExceptionAsync(() => migration.RunAsync(watched));
            if (watched.Commits < at)
            {
                Assert.Null(failure);
                return;
            }

            if (failure is null)
            {
                Exception? refused = await Record.ExceptionAsync(() => migration.UndoAsync());
                Assert.True(
                    refused is LaterWritesException listed && listed.Writes.Any(write => write.Key.Span.SequenceEqual(key)),
                    $"commit {at} of {watched.Commits}: {refused?.Message ?? "undone without a word"}");
            }
            else
            {
                Assert.True(failure is OperatorException { Id: "not-at-rest" or "foreign-write" or "verification-failed" }, $"commit {at}: {failure}");
                Assert.False(await migration.IsStampedAsync(), $"commit {at}");
            }
        }
    }

    [Fact]
    public async Task Undo_lists_what_was_written_later_and_discards_it_only_when_told_to()
    {
        SyntheticCluster cluster = Cluster();
        using LiveMigration migration = await FillAsync(cluster);
        string before = await migration.DigestAsync();
        await migration.RunAsync();
        byte[] changed = cluster.Keys.Repo("in"u8);
        byte[] created = cluster.Keys.Repo("new"u8);
        byte[] deleted = cluster.Keys.RepoRefCount("in"u8);
        await etcd.PutAsync(changed, "x"u8.ToArray());
        await etcd.PutAsync(created, "y"u8.ToArray());
        await etcd.DeleteAsync(deleted);
        string later = await migration.DigestAsync();

        LaterWritesException refused = await Assert.ThrowsAsync<LaterWritesException>(() => migration.UndoAsync());

        Assert.Equal(
            "pachyderm_pfs/repoRefCounts/in deleted, pachyderm_pfs/repos/in changed, pachyderm_pfs/repos/new created",
            string.Join(", ", refused.Writes.Select(write => $"{System.Text.Encoding.UTF8.GetString(write.Key.Span)} {write.What}").Order(StringComparer.Ordinal)));
        Assert.Equal(later, await migration.DigestAsync());

        migration.Request = migration.Request with { DiscardLaterWrites = true };
        Assert.Equal("undone", (await migration.UndoAsync()).Result);
        Assert.Equal(before, await migration.DigestAsync());
        Assert.False(await migration.IsStampedAsync());
        string kept = Assert.Single(Directory.GetFiles(Path.Combine(migration.BackupDirectory, "work"), "later-writes.txt", SearchOption.AllDirectories));
        Assert.Contains(Convert.ToBase64String(created), await File.ReadAllTextAsync(kept, Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_keep_their_order_through_a_migration_and_back()
    {
        SyntheticCluster cluster = ManyLists();
        using LiveMigration migration = await FillAsync(cluster);
        string before = await ShowListsAsync(cluster.Keys);

        await migration.RunAsync();
        Assert.Equal(before, await ShowListsAsync(cluster.Keys));

        await migration.UndoAsync();
        Assert.Equal(before, await ShowListsAsync(cluster.Keys));
    }

    [Fact]
    public async Task An_unreadable_record_is_set_aside_and_comes_back_with_undo()
    {
        SyntheticCluster cluster = Cluster();
        byte[] bad = cluster.Keys.Repo("bad"u8);
        cluster.Put(bad, "repo:<name:");
        using LiveMigration migration = await FillAsync(cluster);
        string before = await migration.DigestAsync();
        MigrationBlockedException blocked = await Assert.ThrowsAsync<MigrationBlockedException>(() => migration.RunAsync());
        Assert.Contains(blocked.Report.Findings, finding => finding.Id == "bad-record" && finding.Thing == "pachyderm_pfs/repos/bad");

        migration.Request = migration.Request with { Quarantine = true };
        MigrationReport report = await migration.RunAsync();

        Assert.Equal(1, report.Changes["records set aside"]);
        Assert.Null(await etcd.Store.GetAsync(bad, Cancellation));
        Assert.Contains(await etcd.ReadAllAsync(), record => record.Value.Span.SequenceEqual("repo:<name:"u8));

        await migration.UndoAsync();
        Assert.Equal(before, await migration.DigestAsync());
        Assert.Equal("repo:<name:"u8.ToArray(), (await etcd.Store.GetAsync(bad, Cancellation))!.Value.Value.ToArray());
    }

    [Fact]
    public async Task Progress_only_goes_forward_and_every_phase_ends()
    {
        SyntheticCluster cluster = ManyLists();
        using LiveMigration migration = await FillAsync(cluster);
        RecordingObserver observer = new();

        await migration.RunAsync(observer: observer);

        Assert.Equal(string.Join(", ", observer.Phases.Select(phase => phase.Phase)), string.Join(", ", observer.Ended));
        Assert.All(observer.Phases.SelectMany(phase => phase.Advances), advance => Assert.True(advance >= 0));
        Assert.Equal(cluster.Records.Count, observer.Phases.First(phase => phase.Phase == "discover").Advances.Sum());
        Assert.Equal(cluster.Records.Count, observer.Phases.First(phase => phase.Phase == "verify").Total);
    }

    [Fact]
    public async Task A_report_is_read_back_as_it_was_written_and_verifies_the_store_later()
    {
        SyntheticCluster cluster = Cluster();
        using LiveMigration migration = await FillAsync(cluster);
        MigrationReport report = await migration.RunAsync();
        string path = migration.File("report.json");
        await report.WriteAsync(path, Cancellation);
        MigrationReport read = await MigrationReport.ReadAsync(path, Cancellation);
        await read.WriteAsync(migration.File("again.json"), Cancellation);

        Assert.Equal(await File.ReadAllTextAsync(path, Cancellation), await File.ReadAllTextAsync(migration.File("again.json"), Cancellation));
        await migration.WithEngineAsync(engine => engine.FinalizeAsync(Cancellation));
        Assert.Equal("done", (await VerifyAsync()).Result);

        await etcd.DeleteAsync(cluster.Keys.Repo("in"u8));
        OperatorException failure = await Assert.ThrowsAnyAsync<OperatorException>(VerifyAsync);
        Assert.Equal("verification-failed", failure.Id);
        Assert.Contains("Repo", failure.Problem, StringComparison.Ordinal);

        Task<MigrationReport> VerifyAsync() => migration.WithEngineAsync(engine => engine.VerifyAsync(read, Cancellation));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("{\"action\":1}")]
    public async Task What_is_no_report_is_refused_as_one(string content)
    {
        using LiveMigration migration = new(etcd, new SyntheticCluster());
        string path = migration.File("report.json");
        await File.WriteAllTextAsync(path, content, Cancellation);

        Assert.Equal("report-unreadable", (await Assert.ThrowsAsync<OperatorException>(() => MigrationReport.ReadAsync(path, Cancellation))).Id);
    }

    private async Task<LiveMigration> FillAsync(SyntheticCluster cluster)
    {
        await etcd.FillAsync(cluster);
        return new LiveMigration(etcd, cluster);
    }

    /// <summary>Small, yet with records to rewrite, keep, drop and add.</summary>
    private static SyntheticCluster Cluster() => new SyntheticCluster()
        .Repo("in").Commit("in", SyntheticCluster.Id(1)).Commit("in", Open, finished: false).Branch("in", "master", SyntheticCluster.Id(1))
        .Pipeline("p").Job(SyntheticCluster.Id(3), "p", "inputs:<commit:<repo:<name:\"in\" > id:\"c\" > glob:\"/\" > state:JOB_SUCCESS ")
        .Put("pachyderm_pps/pipelines__index_{Stopped %!s(bool=false)}/%!s(bool=false)/p", "p")
        .InBinary().Repo("done").InText();

    /// <summary>Lists whose order is not that of their keys: one long, several short, with records among them that need no change.</summary>
    private static SyntheticCluster ManyLists()
    {
        SyntheticCluster cluster = new();
        Random random = new(5);
        for (int repo = 0; repo < 6; repo++)
        {
            cluster.Repo($"r{random.Next(1000)}-{repo}");
        }

        int[] numbers = [.. Enumerable.Range(1, 400)];
        random.Shuffle(numbers);
        foreach (int number in numbers)
        {
            cluster.Binary = number % 7 == 0;
            cluster.Commit(number % 4 == 0 ? $"small{number % 5}" : "big", SyntheticCluster.Id(number));
            cluster.Binary = number % 11 == 0;
            switch (number % 10)
            {
                case 1:
                    cluster.Job(SyntheticCluster.Id(number + 1000), "p");
                    break;
                case 2:
                    cluster.Branch("big", $"b{number}", SyntheticCluster.Id(number));
                    break;
                case 3:
                    cluster.Pipeline($"p{number}");
                    break;
            }
        }

        return cluster;
    }

    /// <summary>The keys of each list in the order in which servers show them: last written first.</summary>
    private async Task<string> ShowListsAsync(ClusterKeys keys)
    {
        Migration.Survey.RecordClassifier classifier = new(keys);
        return string.Join('\n', (await etcd.ReadAllAsync())
            .GroupBy(record => classifier.IsDurable(record, out ulong scope) ? scope : 0)
            .Where(list => list.Key != 0)
            .Select(list => string.Join(' ', list.OrderByDescending(record => record.ModRevision).Select(record => System.Text.Encoding.UTF8.GetString(record.Key.Span))))
            .Order(StringComparer.Ordinal));
    }
}
