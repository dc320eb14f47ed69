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
            ParallelOptions options = new() { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(tree.FilesAsync(cancellationToken), options, async (file, stop) =>
                await WriteFileAsync(file, PlaceOf(directory, file), stop).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (IOException failure) when (failure.HResult == Posix.NoSpace)
        {
            throw new OperatorException("scratch-full", directory, "the disk of the scratch directory is full",
                "free space, or process fewer datums at once", failure);
        }
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

        FileStreamOptions options = new()
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.ReadWrite | FileShare.Delete,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using FileStream stream = new(place, options);
        await file.CopyToAsync(stream, cancellationToken).ConfigureAwait(false);
        await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
        Interlocked.Add(ref _bytes, stream.Length);
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
