using Pachyderm.Formats;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Releases;
using Pachyderm.Migration.Steps;
using Pachyderm.Migration.Steps.V15;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores.Snapshot;

namespace Pachyderm.Migration.Tags.Tests;

/// <summary>A cluster's metadata and storage root, ready to be searched.</summary>
public sealed class SurveyedCluster : IDisposable
{
    private readonly EtcdSnapshotFile _image;
    private readonly ClusterInventory _inventory;
    private readonly IDisposable _files;

    private SurveyedCluster(EtcdSnapshotFile image, ClusterInventory inventory, LegacyContentStore content, IDisposable files)
    {
        _image = image;
        _inventory = inventory;
        Content = content;
        _files = files;
    }

    public static readonly string[] Targets = ["1.5.0", "1.5.3"];

    public LegacyContentStore Content { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Opens a genuine cluster.</summary>
    public static Task<SurveyedCluster> OpenFixtureAsync(string set, string archive = "object-store.tar.gz")
    {
        FixtureContentOwner files = new(set, archive);
        return OpenAsync(Path.Combine(FixtureContentOwner.FolderOf(set), "etcd.snap"), files.Root, files);
    }

    /// <summary>Opens a snapshot and a storage root; <paramref name="files"/> owns both.</summary>
    public static async Task<SurveyedCluster> OpenAsync(string snapshot, string root, IDisposable files)
    {
        EtcdSnapshotFile image = await EtcdSnapshotFile.OpenAsync(snapshot, SnapshotIntegrity.VerifyHash, Token);
        ClusterInventory inventory = await SurveyRunner.RunAsync(
            new SnapshotRecordSource(image), new ClusterKeys(), ClusterKeys.DefaultPfsPrefix, progress: null, Token);
        return new SurveyedCluster(image, inventory, await LegacyContentStore.OpenAsync(root, Token), files);
    }

    /// <summary>What is proposed for a target release.</summary>
    public async Task<List<TagProposal>> ProposeAsync(string to)
    {
        Assert.True(ReleaseVersion.TryParse(to, out ReleaseVersion version));
        TagCarrier carrier = new(_inventory, new StepOptions(version, Quarantine: false, HasStorage: true));
        List<TagProposal> proposals = [];
        await foreach (TagProposal proposal in carrier.ProposeAsync(_image, Content, Token))
        {
            proposals.Add(proposal);
        }

        return proposals;
    }

    /// <summary>Adds the tags of all proposals with a result, as the engine does.</summary>
    public async Task<int> CarryAsync(IEnumerable<TagProposal> proposals)
    {
        int added = 0;
        foreach (TagProposal proposal in proposals.Where(proposal => proposal.ObjectHash is not null))
        {
            added += await Content.AddTagAsync(proposal.Tag, proposal.ObjectHash!, Token) ? 1 : 0;
        }

        return added;
    }

    /// <summary>The id that a pipeline had in 1.4.</summary>
    public string IdOf(string pipeline) => _inventory.Pipelines.Values.Single(facts => facts.Name.ToStringUtf8() == pipeline).Record.Id.ToStringUtf8();

    /// <summary>The tags with a prefix.</summary>
    public async Task<List<ContentTag>> TagsAsync(string prefix)
    {
        List<ContentTag> tags = [];
        await foreach (ContentTag tag in Content.ListTagsAsync(prefix, Token))
        {
            tags.Add(tag);
        }

        return tags;
    }

    public void Dispose()
    {
        _image.Dispose();
        _files.Dispose();
    }

    private sealed class FixtureContentOwner(string set, string archive) : IDisposable
    {
        private readonly Pachyderm.Tests.FixtureContent _content = new(set, archive);

        public string Root => _content.Root;

        public static string FolderOf(string set) => Pachyderm.Tests.FixtureContent.FixtureDirectory(set);

        public void Dispose() => _content.Dispose();
    }
}
