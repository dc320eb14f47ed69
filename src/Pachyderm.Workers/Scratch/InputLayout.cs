using Pachyderm.Errors;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Scratch;

/// <summary>Lays out inputs as files of this machine.</summary>
internal sealed class InputLayout(int parallelism)
{
    private readonly HashSet<string> _made = new(StringComparer.Ordinal);
    private readonly Lock _makingDirectories = new();
    private long _bytes;

    /// <summary>Bytes written so far.</summary>
    internal long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Writes all files of a tree below a directory, which is made; lazy files become pipes and are added to <paramref name="lazy"/>.</summary>
    internal async Task WriteAsync(IInputTree tree, string directory, LazyFiles? lazy, CancellationToken cancellationToken)
    {
        MakeDirectory(directory);
        await foreach (string path in tree.EmptyDirectoriesAsync(cancellationToken).ConfigureAwait(false))
        {
            MakeDirectory(ScratchPath.Combine(directory, path));
        }

        if (lazy is not null)
        {
            await foreach (IInputFile file in tree.FilesAsync(cancellationToken).ConfigureAwait(false))
            {
                string place = PlaceOf(directory, file);
                Posix.MakePipe(place);
                lazy.Add(Path.GetDirectoryName(place)!, Path.GetFileName(place), file);
            }

            return;
        }

        try
        {
            await WriteFilesAsync(tree.FilesAsync(cancellationToken), directory, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException failure) when (failure.HResult == Posix.NoSpace)
        {
            throw new OperatorException("scratch-full", directory, "the disk of the scratch directory is full",
                "free space, or process fewer datums at once", failure);
        }
    }

    private async Task WriteFilesAsync(IAsyncEnumerable<IInputFile> files, string directory, CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<IInputFile> next = files.GetAsyncEnumerator(cancellationToken);
        if (!await next.MoveNextAsync().ConfigureAwait(false))
        {
            return;
        }

        // Most datums are one file, which needs no other threads.
        IInputFile first = next.Current;
        if (!await next.MoveNextAsync().ConfigureAwait(false))
        {
            await WriteFileAsync(first, PlaceOf(directory, first), cancellationToken).ConfigureAwait(false);
            return;
        }

        ParallelOptions options = new() { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(RestAsync(first, next), options, async (file, stop) =>
            await WriteFileAsync(file, PlaceOf(directory, file), stop).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async IAsyncEnumerable<IInputFile> RestAsync(IInputFile first, IAsyncEnumerator<IInputFile> next)
    {
        yield return first;
        do
        {
            yield return next.Current;
        }
        while (await next.MoveNextAsync().ConfigureAwait(false));
    }

    private string PlaceOf(string directory, IInputFile file)
    {
        string place = ScratchPath.Combine(directory, file.Path);
        if (place.Length == directory.Length)
        {
            throw new UnusableInputException($"the input path \"{file.Path}\" cannot be a file of this machine: it has no name");
        }

        MakeDirectory(Path.GetDirectoryName(place)!);
        return place;
    }

    private async Task WriteFileAsync(IInputFile file, string place, CancellationToken cancellationToken)
    {
        if (file.LocalPath is { } local)
        {
            // .NET clones where the file system can, and has the kernel copy where it cannot.
            File.Copy(local, place);
            File.SetUnixFileMode(place, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Interlocked.Add(ref _bytes, file.Size);
            return;
        }

        await using ScratchFile made = ScratchFile.Make(place);
        await file.CopyToAsync(made, cancellationToken).ConfigureAwait(false);
        Interlocked.Add(ref _bytes, made.Length);
    }

    private void MakeDirectory(string directory)
    {
        lock (_makingDirectories)
        {
            if (_made.Add(directory))
            {
                ScratchArea.CreateDirectory(directory);
            }
        }
    }
}
