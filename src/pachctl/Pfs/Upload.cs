using Pachyderm.Client;
using Pachyderm.Errors;
using Pachyderm.Pachctl.Output;
using Delimiter = Pachyderm.Wire.Pfs.Delimiter;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>Puts sources into a commit: many local files in bulk, everything else one by one.</summary>
internal sealed class Upload(PachClient client, IReadOnlyList<UploadSource> sources)
{
    // A stream of its own for each processor keeps them busy; more would only share them.
    private static readonly int MostStreams = Math.Min(Environment.ProcessorCount, 8);

    /// <summary>Whether directories and what is below URLs are put.</summary>
    public bool Recursive { get; init; }

    /// <summary>Most uploads at the same time.</summary>
    public int Parallelism { get; init; } = 1;

    /// <summary>How each file is put.</summary>
    public PutFileOptions Options { get; init; } = new();

    private IEnumerable<UploadSource> Local => sources.Where(source => source.Kind == SourceKind.Local);

    private bool Splits => Options.Delimiter != Delimiter.None;

    /// <summary>Puts everything. The first failure stops it.</summary>
    public async Task RunAsync(CommitRef commit, CancellationToken cancellationToken)
    {
        UploadSource[] local = [.. Local];
        bool bulk = !Splits && (local.Length > 1 || local.Any(source => Directory.Exists(source.Source)));
        UploadSource[] single = [.. sources.Where(source => !bulk || source.Kind != SourceKind.Local)];
        await TransferDisplay.RunAsync("Uploading", () => Size(local, cancellationToken), async progress =>
        {
            if (bulk)
            {
                await client.Files.PutManyAsync(
                    commit, local.SelectMany(Files).ToAsyncEnumerable(), Math.Min(Parallelism, MostStreams), progress, cancellationToken);
            }

            ParallelOptions options = new() { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(
                single.SelectMany(Expand), options, async (source, cancel) => await PutAsync(commit, source, progress, cancel));
        });
    }

    /// <summary>Looks whether the local sources are there, before anything is asked of the server.</summary>
    /// <exception cref="OperatorException"><c>file-unreadable</c>.</exception>
    public void Check()
    {
        foreach (UploadSource source in Local)
        {
            if (Directory.Exists(source.Source))
            {
                if (!Recursive)
                {
                    throw new OperatorException("file-unreadable", source.Source, "it is a directory", "use -r to put everything below it");
                }
            }
            else if (!File.Exists(source.Source))
            {
                throw new OperatorException("file-unreadable", "-f", $"{source.Source} doesn't exist", "name an existing file");
            }
        }
    }

    private async Task PutAsync(CommitRef commit, UploadSource source, IProgress<Transfer>? progress, CancellationToken cancellationToken)
    {
        switch (source.Kind)
        {
            case SourceKind.Url:
                // What a server fetches is not cut up by lines of what it fetches it from.
                await client.Files.PutUrlAsync(
                    commit, source.Target, source.Source, Recursive, new PutFileOptions { Overwrite = Options.Overwrite },
                    cancellationToken);
                break;
            case SourceKind.StandardInput:
                if (!Console.IsInputRedirected)
                {
                    await Console.Error.WriteLineAsync("Reading from stdin.");
                }

                await using (Stream input = Console.OpenStandardInput())
                {
                    await client.Files.PutAsync(commit, source.Target, input, Options, progress, cancellationToken);
                }

                break;
            default:
                await using (Stream content = Open(source.Source))
                {
                    await client.Files.PutAsync(commit, source.Target, content, Options, progress, cancellationToken);
                }

                break;
        }
    }

    // A directory is put as its files: all in bulk, or each by itself where they are split.
    private IEnumerable<UploadSource> Expand(UploadSource source)
    {
        if (source.Kind != SourceKind.Local || !Directory.Exists(source.Source))
        {
            return [source];
        }

        return LocalTree.Enumerate(source.Source).Select(
            file => new UploadSource(SourceKind.Local, file.Path, $"{source.Target.TrimEnd('/')}/{file.Below}"));
    }

    private IEnumerable<LocalFile> Files(UploadSource source) => Directory.Exists(source.Source)
        ? LocalTree.Walk(source.Source, source.Target, Options.Overwrite)
        : [LocalFile.FromDisk(source.Target, source.Source, Options.Overwrite)];

    private static long? Size(UploadSource[] local, CancellationToken cancellationToken)
    {
        long size = 0;
        foreach (UploadSource source in local)
        {
            cancellationToken.ThrowIfCancellationRequested();
            size += Directory.Exists(source.Source)
                ? new DirectoryInfo(source.Source).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)
                : new FileInfo(source.Source).Length;
        }

        return local.Length == 0 ? null : size;
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(
                path, new FileStreamOptions { Access = FileAccess.Read, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException(
                "file-unreadable", path, $"it cannot be read ({exception.Message})", "check the file, or leave it out", exception);
        }
    }
}
