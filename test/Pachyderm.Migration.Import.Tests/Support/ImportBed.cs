using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Reports;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Steps.Native;
using Pachyderm.Migration.Targets;
using Pachyderm.ObjectStores.Tests;
using Pachyderm.Pfs;
using Pachyderm.Tests;

namespace Pachyderm.Migration.Import.Tests.Support;

/// <summary>A genuine cluster, and a directory for what is made of it.</summary>
internal sealed class ImportBed : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public ImportBed(string set, string archive = "object-store.tar.gz")
    {
        MigrationSteps.Register();
        Content = new FixtureContent(set, archive);
        Request = new ImportRequest
        {
            Source = new StoreAddress { Snapshot = Path.Combine(FixtureContent.FixtureDirectory(set), "etcd.snap") },
            Storage = Content.Root,
            Data = directory["data"],
            Verification = new ImportVerification((long?)null),
            Accepted = MigrationRequest.Acceptable.ToHashSet(StringComparer.Ordinal),
        };
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The store of the cluster; a test may damage it.</summary>
    public FixtureContent Content { get; }

    /// <summary>What is asked; everything is accepted and verified.</summary>
    public ImportRequest Request { get; set; }

    public string Data => Request.Data;

    /// <summary>A path beside the data.</summary>
    public string this[string name] => directory[name];

    public ClusterImport Import(Action<string>? say = null) => new(Request, new Listener(say), TimeProvider.System);

    public Task<MigrationReport> RunAsync() => Import().RunAsync(Token);

    public Task<DataStores> OpenAsync() => DataStores.OpenAsync(Data, readOnly: false, onFinding: null, Token);

    public void Dispose()
    {
        Content.Dispose();
        directory.Dispose();
    }

    private sealed class Listener(Action<string>? say) : IMigrationObserver
    {
        public void PhaseStarted(string phase, long? total)
        {
            // Nothing to show.
        }

        public void Advanced(long records)
        {
            // Nothing to show.
        }

        public void PhaseEnded(string phase)
        {
            // Nothing to show.
        }

        public void Say(string line) => say?.Invoke(line);
    }
}
