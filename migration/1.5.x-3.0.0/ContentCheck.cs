using Pachyderm.Errors;
using Pachyderm.Formats.Content;
using Pachyderm.Migration.Engine;
using Pachyderm.Migration.Survey;
using Old = Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Steps.Native;

/// <summary>Looks whether everything is there that the commits of the source need, reading their trees and no other content.</summary>
internal static class ContentCheck
{
    /// <summary>Looks.</summary>
    /// <param name="source">The source.</param>
    /// <param name="findings">Is told of each commit that cannot be read, and each write to an open one.</param>
    /// <param name="observer">Is told of each commit.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static async Task RunAsync(
        SourceCluster source, FindingList findings, IMigrationObserver observer, CancellationToken cancellationToken)
    {
        UInt64Set seen = new();
        await foreach (SourceRecord<Old.CommitInfo> record in source.CommitsAsync(cancellationToken))
        {
            if (record.Value is { Finished: not null, Tree: { } tree } && seen.Add(ContentReferences.Hash(tree.Hash.ToStringUtf8())))
            {
                await CheckTreeAsync(
                    source.Content, KeyText.Show(record.Key.Span), tree.Hash.ToStringUtf8(), seen, findings, cancellationToken);
            }
            observer.Advanced(1);
        }
        await foreach (SourceRecord<Old.PutFileRecords?> record in source.WritesAsync(cancellationToken))
        {
            foreach (string name in record.Value?.Records.Select(static part => part.ObjectHash.ToStringUtf8()) ?? [])
            {
                if (seen.Add(ContentReferences.Hash(name)))
                {
                    await CheckObjectAsync(
                        source.Content, $"open write {KeyText.Show(record.Key.Span)}", name, findings, cancellationToken);
                }
            }
        }
    }

    private static async Task CheckTreeAsync(
        LegacyContentStore content, string commit, string hash, UInt64Set seen, FindingList findings, CancellationToken cancellationToken)
    {
        HashTree tree;
        try
        {
            tree = await content.ReadHashTreeAsync(hash, cancellationToken);
        }
        catch (OperatorException exception)
        {
            findings.Add(new Finding(
                exception.Id, FindingSeverity.Blocker, $"commit {commit}",
                $"its tree cannot be read ({exception.Thing}: {exception.Problem})", exception.Remedy));
            return;
        }
        if (tree.Verify() is { } fault)
        {
            findings.Add(new Finding(
                "hashtree-damaged", FindingSeverity.Blocker, $"commit {commit}", $"in its tree {hash}, {fault.Path}: {fault.Problem}",
                "restore the object from a backup of the object store"));
        }
        foreach (HashTreeNode file in tree.Walk())
        {
            foreach (string name in file.Objects)
            {
                if (seen.Add(ContentReferences.Hash(name)))
                {
                    await CheckObjectAsync(content, $"{file.Path} in commit {commit}", name, findings, cancellationToken);
                }
            }
        }
    }

    private static async Task CheckObjectAsync(
        LegacyContentStore content, string thing, string hash, FindingList findings, CancellationToken cancellationToken)
    {
        bool exists = LegacyContentStore.IsObjectHash(hash) && await content.ObjectExistsAsync(hash, cancellationToken);
        if (!exists)
        {
            findings.Add(new Finding(
                "object-missing", FindingSeverity.Blocker, thing, $"object {hash} does not exist, or what it refers to does not",
                "restore the object from a backup of the object store"));
        }
    }
}
