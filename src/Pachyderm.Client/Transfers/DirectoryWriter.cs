using Google.Protobuf.Collections;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Client;

/// <summary>Writes files that arrive to disk. A file that did not arrive whole is removed.</summary>
internal sealed class DirectoryWriter(DownloadPaths paths, int parallelism, IProgress<Transfer>? progress) : IAsyncDisposable
{
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly Lock _gate = new();
    private Transfer _done;
    private string? _directory;
    private PartialFile? _current;

    /// <summary>Writes the parts of one message: whole files side by side, pieces of larger ones in order.</summary>
    public async Task WriteAsync(RepeatedField<GetFilePart> parts, CancellationToken cancellationToken)
    {
        List<(string Path, ReadOnlyMemory<byte> Content)> whole = [];
        Transfer written = default;
        foreach (GetFilePart part in parts)
        {
            written += new Transfer(part.Last ? 1 : 0, part.Value.Length);
            if (part.Info is not null && part.Last)
            {
                Refuse(_current is not null);
                Check(part.Info, part.Value.Length);
                whole.Add((Prepare(part.Info), part.Value.Memory));
                continue;
            }

            if (part.Info is not null)
            {
                Refuse(_current is not null);
                _current = new PartialFile(part.Info, Prepare(part.Info));
            }

            Refuse(_current is null);
            await _current!.WriteAsync(part.Value.Memory, cancellationToken);
            if (part.Last)
            {
                _current.Complete();
                await _current.DisposeAsync();
                _current = null;
            }
        }

        await WriteAsync(whole, cancellationToken);
        Count(written);
    }

    /// <summary>Writes one file.</summary>
    public async Task WriteAsync(FileInfo info, ContentDownload download, CancellationToken cancellationToken)
    {
        await using PartialFile file = new(info, Prepare(info));
        while (await download.NextAsync() is { } chunk)
        {
            using (chunk)
            {
                await file.WriteAsync(chunk.Memory, cancellationToken);
                Count(new Transfer(Files: 0, chunk.Memory.Length));
            }
        }

        file.Complete();
        Count(new Transfer(Files: 1, Bytes: 0));
    }

    /// <summary>Says what was written, after the last message.</summary>
    public Transfer Complete()
    {
        Refuse(_current is not null);
        return _done;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _current?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static void Check(FileInfo info, long length)
    {
        if (info.SizeBytes != (ulong)length)
        {
            throw new PachException(StatusCode.DataLoss, $"{info.File.Path}: the server sent {length} of {info.SizeBytes} bytes");
        }
    }

    private static void Refuse(bool broken)
    {
        if (broken)
        {
            throw new PachException(StatusCode.DataLoss, "the server sent pieces of files that do not fit together");
        }
    }

    private static void WriteWhole(string path, ReadOnlySpan<byte> content)
    {
        using SafeFileHandle handle = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read);
        try
        {
            RandomAccess.Write(handle, content, fileOffset: 0);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }

    private async Task WriteAsync(List<(string Path, ReadOnlyMemory<byte> Content)> files, CancellationToken cancellationToken)
    {
        if (files.Count > 1 && parallelism > 1)
        {
            ParallelOptions options = new() { MaxDegreeOfParallelism = parallelism, CancellationToken = cancellationToken };
            await Parallel.ForEachAsync(files, options, (file, _) =>
            {
                WriteWhole(file.Path, file.Content.Span);
                return ValueTask.CompletedTask;
            });
            return;
        }

        foreach ((string path, ReadOnlyMemory<byte> content) in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteWhole(path, content.Span);
        }
    }

    // Files come in order of path, so that most lie in the directory of the one before.
    private string Prepare(FileInfo info)
    {
        string path = paths.Local(info.File?.Path ?? "");
        string directory = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        lock (_gate)
        {
            if (directory != _directory)
            {
                if (OperatingSystem.IsWindows())
                {
                    Directory.CreateDirectory(directory);
                }
                else
                {
                    Directory.CreateDirectory(directory, DirectoryMode);
                }

                _directory = directory;
            }
        }

        return path;
    }

    private void Count(Transfer written)
    {
        lock (_gate)
        {
            _done += written;
        }

        progress?.Report(written);
    }

    /// <summary>A file that is written in pieces, and is gone if it was not completed.</summary>
    private sealed class PartialFile(FileInfo info, string path) : IAsyncDisposable
    {
        private readonly FileStream _stream = new(
            path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 });
        private long _length;
        private bool _complete;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            await _stream.WriteAsync(content, cancellationToken);
            _length += content.Length;
        }

        public void Complete()
        {
            Check(info, _length);
            _complete = true;
        }

        public async ValueTask DisposeAsync()
        {
            await _stream.DisposeAsync();
            if (!_complete)
            {
                File.Delete(path);
            }
        }
    }
}
