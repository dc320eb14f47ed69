using System.Formats.Tar;

namespace Pachyderm.Formats.Tests.Tags;

/// <summary>The object store of a genuine cluster in the local layout: objects by hash, and the names of all tags.</summary>
internal sealed class GenuineObjects
{
    private readonly Dictionary<string, byte[]> _objects = new(StringComparer.Ordinal);

    public GenuineObjects(string set)
    {
        using var reader = new TarReader(GenuineCluster.OpenGzip(set, "object-store.tar.gz"));
        while (reader.GetNextEntry() is { } entry)
        {
            string name = entry.Name[(entry.Name.LastIndexOf('/') + 1)..];
            if (entry.Name.Contains("pach/tag/", StringComparison.Ordinal) && name.Length > 0)
            {
                Tags.Add(name);
            }
            else if (entry.Name.Contains("pach/object/", StringComparison.Ordinal) && entry.EntryType is TarEntryType.RegularFile)
            {
                using var content = new MemoryStream();
                entry.DataStream?.CopyTo(content);
                _objects.Add(name, content.ToArray());
            }
        }
    }

    public HashSet<string> Tags { get; } = new(StringComparer.Ordinal);

    public V1_5.HashTreeProto Tree(V1_5.CommitInfo commit) =>
        V1_5.HashTreeProto.Parser.ParseFrom(_objects[commit.Tree.Hash.ToStringUtf8()]);
}
