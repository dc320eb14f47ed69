using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Output;

/// <summary>
/// Hands what is in <c>/pfs/out</c> to a sink. No process of the datum is left by then, so nothing changes meanwhile; the files are hostile
/// all the same.
/// </summary>
internal sealed class OutputCollector
{
    private const int DeepestDirectory = 1000;
    private const int MostFollowedLinks = 100_000;
    private static readonly byte[] Out = "out\0"u8.ToArray();
    private readonly SafeFileHandle _pfs;
    private readonly HashSet<string> _inputs;
    private readonly IOutputSink _sink;
    private readonly LinkResolver _links;
    private readonly HashSet<string> _walking = new(StringComparer.Ordinal);
    private readonly CancellationToken _cancellationToken;
    private int _followed;

    private OutputCollector(
        SafeFileHandle pfs, IReadOnlyList<string> pfsNames, IEnumerable<string> inputs, IOutputSink sink, CancellationToken cancellationToken)
    {
        _pfs = pfs;
        _inputs = inputs.ToHashSet(StringComparer.Ordinal);
        _sink = sink;
        _links = new LinkResolver(pfs, pfsNames);
        _cancellationToken = cancellationToken;
    }

    private long Bytes { get; set; }

    /// <summary>Hands over everything and counts the bytes.</summary>
    /// <param name="pfsDirectory">Where what user code saw as <c>/pfs</c> is on this machine.</param>
    /// <param name="pfsNames">Absolute names that user code had for it.</param>
    /// <param name="inputs">Names of the datum's inputs.</param>
    /// <param name="sink">Takes the output.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <exception cref="BadOutputException">Something cannot be output.</exception>
    internal static async Task<long> CollectAsync(
        string pfsDirectory, IReadOnlyList<string> pfsNames, IEnumerable<string> inputs, IOutputSink sink, CancellationToken cancellationToken)
    {
        using SafeFileHandle pfs = Posix.Open(directory: null, Posix.Bytes(pfsDirectory), Posix.DirectoryOnly | Posix.NoFollow);
        OutputCollector collector = new(pfs, pfsNames, inputs, sink, cancellationToken);
        if (Posix.Status(pfs, Out) is not { Kind: FileKind.Directory })
        {
            throw new BadOutputException("/pfs/out is no directory any more");
        }

        using SafeFileHandle directory = OutputDirectory.OpenDirectory(pfs, Out);
        _ = await collector.WalkAsync(directory, path: "", ["out"], depth: 1).ConfigureAwait(false);
        return collector.Bytes;
    }

    /// <summary>Hands over the entries of a directory. Says whether there were any.</summary>
    private async Task<bool> WalkAsync(SafeFileHandle directory, string path, string[] real, int depth)
    {
        string key = string.Join('/', real);
        if (depth > DeepestDirectory)
        {
            throw new BadOutputException($"/pfs/out has directories more than {DeepestDirectory} deep");
        }

        if (!_walking.Add(key))
        {
            throw new BadOutputException($"/pfs/out{path} links to a directory that contains it");
        }

        List<byte[]> names = Posix.Names(directory);
        foreach (byte[] name in names)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            string text = OddNames.Text(name) ?? throw new BadOutputException(
                $"the name of /pfs/out{path}/{OddNames.Show(name)} is not UTF-8: rename the file");
            await AddAsync(directory, name, $"{path}/{text}", text, real, depth).ConfigureAwait(false);
        }

        _walking.Remove(key);
        return names.Count > 0;
    }

    private async Task AddAsync(SafeFileHandle directory, byte[] name, string path, string text, string[] real, int depth)
    {
        FileStatus status = Posix.Status(directory, name) ?? throw new BadOutputException($"/pfs/out{path} vanished");
        switch (status.Kind)
        {
            case FileKind.Regular:
                await AddFileAsync(directory, name, path).ConfigureAwait(false);
                break;
            case FileKind.Directory:
                using (SafeFileHandle child = OutputDirectory.OpenDirectory(directory, name))
                {
                    await AddDirectoryAsync(child, path, [.. real, text], depth + 1).ConfigureAwait(false);
                }

                break;
            case FileKind.SymbolicLink:
                await FollowAsync(path, real, Posix.ReadLink(directory, name), depth).ConfigureAwait(false);
                break;
            default:
                throw OutputDirectory.Refuse(path, status.Kind);
        }
    }

    private async Task AddFileAsync(SafeFileHandle directory, byte[] name, string path)
    {
        await using OutputFile content = OutputDirectory.OpenFile(directory, name, path);
        Bytes += content.Length;
        await _sink.AddFileAsync(path, content, _cancellationToken).ConfigureAwait(false);
    }

    private async Task AddDirectoryAsync(SafeFileHandle directory, string path, string[] real, int depth)
    {
        if (!await WalkAsync(directory, path, real, depth).ConfigureAwait(false))
        {
            await _sink.AddDirectoryAsync(path, _cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FollowAsync(string path, string[] real, byte[] target, int depth)
    {
        using ResolvedLink link = _links.Resolve(path, real, target);
        if (_inputs.Contains(link.Path[0]))
        {
            string inputPath = "/" + string.Join('/', link.Path[1..]);
            if (await _sink.AddInputAsync(path, link.Path[0], inputPath, _cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        // Links to directories of links multiply what a few of them show.
        if (++_followed > MostFollowedLinks)
        {
            throw new BadOutputException($"/pfs/out has more than {MostFollowedLinks} links to what is not input");
        }

        switch (link.Kind)
        {
            case FileKind.Regular:
                await AddFileAsync(link.Handle, link.Name!, path).ConfigureAwait(false);
                break;
            case FileKind.Directory:
                await AddDirectoryAsync(link.Handle, path, link.Path, depth + 1).ConfigureAwait(false);
                break;
            default:
                throw OutputDirectory.Refuse(path, link.Kind);
        }
    }
}
