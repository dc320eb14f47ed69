using Pachyderm.Storage.Content;
using Pachyderm.Storage.Trees;

namespace Pachyderm.Scheduling;

/// <summary>Sends the files of an output elsewhere (spec/pps.md section 8). Nothing is ever deleted there.</summary>
internal sealed class EgressSender(SchedulerOptions options, StoredTrees trees)
{
    private const int Together = 8;

    /// <summary>Sends all files.</summary>
    /// <param name="address">Where to, as the pipeline gives it.</param>
    /// <param name="output">The output; null for an empty one.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    /// <returns>Number of files.</returns>
    /// <exception cref="EgressException">It will never be possible.</exception>
    public async Task<long> SendAsync(string address, DirectoryReference? output, CancellationToken cancellationToken)
    {
        IEgressTarget target = EgressTargets.Of(address, options);
        long sent = 0;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = Together, CancellationToken = cancellationToken };
        IAsyncEnumerable<TreeEntry> files = trees.Reader.WalkAsync(TreeReader.RootEntry(output), cancellationToken)
            .Where(static entry => !entry.IsDirectory);
        await Parallel.ForEachAsync(files, parallel, async (entry, token) =>
        {
            FileContent content = entry.File!;
            await target.WriteAsync(entry.Path.ToString(), content.Size, () => new StoredContentStream(trees.Contents, content), token);
            Interlocked.Increment(ref sent);
        });
        return sent;
    }
}
