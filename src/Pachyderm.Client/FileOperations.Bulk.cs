using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Client;

/// <content>Many files at once.</content>
public sealed partial class FileOperations
{
    private const int OldParallelism = 10;

    /// <summary>
    /// Writes many files to a commit that is not finished. Each is recorded whole or not at all; all are durable on return. Small files are
    /// packed
    /// into messages of about 1 MiB. Memory does not depend on the number or the size of the files.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="files">The files, which are opened one after the other.</param>
    /// <param name="parallelism">Streams to the server. With more than one, files of the same path may be appended in any order.</param>
    /// <param name="progress">Told of what was sent; called from other threads.</param>
    /// <param name="cancellationToken">Stops the upload; files that were sent whole may have been recorded.</param>
    /// <returns>What was written.</returns>
    public async Task<Transfer> PutManyAsync(
        CommitRef commit,
        IAsyncEnumerable<LocalFile> files,
        int parallelism = 1,
        IProgress<Transfer>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parallelism);
        await ProbeAsync(commit, cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using SharedSequence<LocalFile> source = new(files, stop.Token);
        Func<Task<Transfer>> work = _connection.Lacks(nameof(_native.PutFiles))
            ? () => PutOneByOneAsync(commit, source, progress, stop.Token)
            : () => new BulkUpload(_connection, _native, source, progress).RunAsync(commit.ToWire(), stop.Token);
        int workers = _connection.Lacks(nameof(_native.PutFiles)) ? Math.Max(parallelism, OldParallelism) : parallelism;
        return await RunAsync(Enumerable.Range(0, workers).Select(_ => work), stop);
    }

    /// <summary>Yields a file, or everything below a directory, with content: the files in byte order of path, each in pieces.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">A file or directory; the root if empty.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    public async IAsyncEnumerable<FilePiece> GetManyAsync(
        CommitRef commit, string path = "", [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (
            GetFilesResponse message in MessagesAsync(
                commit, path, () => GetOneByOneAsync(commit, path, cancellationToken), cancellationToken))
        {
            foreach (GetFilePart part in message.Parts)
            {
                yield return new FilePiece(part.Info, part.Value.Memory, part.Last);
            }
        }
    }

    /// <summary>
    /// Writes a file, or everything below a directory, to the local disk. A file that did not arrive whole is not left behind.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">
    /// A file, which is written to <paramref name="destination"/>; or a directory, whose content is written into it.
    /// </param>
    /// <param name="destination">Path on disk. Directories are made as needed; files that exist are replaced.</param>
    /// <param name="parallelism">Files that are written at the same time.</param>
    /// <param name="progress">Told of what was written; called from other threads.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    /// <exception cref="Errors.OperatorException">
    /// <c>path-refused</c>: the server named a file that does not belong below the destination.
    /// </exception>
    public async Task<Transfer> DownloadAsync(
        CommitRef commit,
        string path,
        string destination,
        int parallelism = 4,
        IProgress<Transfer>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parallelism);
        await using DirectoryWriter writer = new(new DownloadPaths(path, destination), parallelism, progress);
        try
        {
            // Nothing falls back here: an older server is asked for several files at once below.
            await foreach (GetFilesResponse message in MessagesAsync(commit, path, older: null, cancellationToken))
            {
                await writer.WriteAsync(message.Parts, cancellationToken);
            }

            return writer.Complete();
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            return await DownloadOneByOneAsync(commit, path, writer, parallelism, cancellationToken);
        }
    }

    // The first message would only be answered after the last: an upload of nothing tells before any file is read whether the server
    // knows the method, and whether the commit takes files.
    private async Task ProbeAsync(CommitRef commit, CancellationToken cancellationToken)
    {
        if (_connection.Lacks(nameof(_native.PutFiles)))
        {
            return;
        }

        try
        {
            using AsyncClientStreamingCall<PutFilesRequest, PutFilesResponse> call = _native.PutFiles(cancellationToken: cancellationToken);
            await _connection.WriteAsync(call, new PutFilesRequest { Commit = commit.ToWire() }, cancellationToken);
            await call.RequestStream.CompleteAsync();
            await _connection.AnswerAsync(call.ResponseAsync);
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            _connection.RememberLack(nameof(_native.PutFiles));
        }
    }

    private async Task<Transfer> PutOneByOneAsync(
        CommitRef commit, SharedSequence<LocalFile> source, IProgress<Transfer>? progress, CancellationToken cancellationToken)
    {
        long files = 0;
        ByteCounter counter = new(progress);
        while (await source.NextAsync(cancellationToken) is { } file)
        {
            await using Stream content = await file.OpenAsync(cancellationToken);
            await PutAsync(commit, file.Path, content, new PutFileOptions { Overwrite = file.Overwrite }, counter, cancellationToken);
            files++;
        }

        return new Transfer(files, counter.Bytes);
    }

    // Several streams end together: the first failure stops the others, and is the one that is thrown.
    private static async Task<Transfer> RunAsync(IEnumerable<Func<Task<Transfer>>> workers, CancellationTokenSource stop)
    {
        Exception? first = null;
        Transfer[] done = await Task.WhenAll(workers.Select(GuardAsync));
        if (first is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }

        return done.Aggregate((left, right) => left + right);

        async Task<Transfer> GuardAsync(Func<Task<Transfer>> worker)
        {
            try
            {
                return await worker();
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref first, exception, null);
                await stop.CancelAsync();
                return default;
            }
        }
    }

    private IAsyncEnumerable<GetFilesResponse> MessagesAsync(
        CommitRef commit, string path, Func<IAsyncEnumerable<GetFilesResponse>>? older, CancellationToken cancellationToken)
    {
        GetFilesRequest request = new() { Commit = commit.ToWire(), Path = path };
        AsyncServerStreamingCall<GetFilesResponse> Start() => _native.GetFiles(request, cancellationToken: cancellationToken);
        return older is null
            ? _connection.ReadAsync(Start, cancellationToken)
            : _connection.ReadOrFallBackAsync(nameof(_native.GetFiles), Start, older, cancellationToken);
    }

    private async IAsyncEnumerable<GetFilesResponse> GetOneByOneAsync(
        CommitRef commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (FileInfo file in FilesBelowAsync(commit, path, cancellationToken))
        {
            FileInfo? info = file;
            await using ContentDownload download = await StartAsync(commit, file.File.Path, offset: 0, size: 0, cancellationToken);
            while (await download.NextAsync() is { } chunk)
            {
                using (chunk)
                {
                    GetFilePart part = new() { Info = info, Value = Google.Protobuf.ByteString.CopyFrom(chunk.Memory.Span) };
                    info = null;
                    yield return new GetFilesResponse { Parts = { part } };
                }
            }

            yield return new GetFilesResponse { Parts = { new GetFilePart { Info = info, Last = true } } };
        }
    }

    private async Task<Transfer> DownloadOneByOneAsync(
        CommitRef commit, string path, DirectoryWriter writer, int parallelism, CancellationToken cancellationToken)
    {
        ParallelOptions options = new()
        {
            MaxDegreeOfParallelism = Math.Max(parallelism, OldParallelism),
            CancellationToken = cancellationToken,
        };
        await Parallel.ForEachAsync(FilesBelowAsync(commit, path, cancellationToken), options, async (file, cancel) =>
        {
            await using ContentDownload download = await StartAsync(commit, file.File.Path, offset: 0, size: 0, cancel);
            await writer.WriteAsync(file, download, cancel);
        });
        return writer.Complete();
    }

    private async IAsyncEnumerable<FileInfo> FilesBelowAsync(
        CommitRef commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        FileInfo root = await InspectAsync(commit, path, cancellationToken);
        if (root.FileType != FileType.Dir)
        {
            yield return root;
            yield break;
        }

        await foreach (FileInfo file in ListAsync(commit, path, recursive: true, cancellationToken))
        {
            if (file.FileType != FileType.Dir)
            {
                yield return file;
            }
        }
    }

    private sealed class ByteCounter(IProgress<Transfer>? progress) : IProgress<Transfer>
    {
        public long Bytes { get; private set; }

        public void Report(Transfer value)
        {
            Bytes += value.Bytes;
            progress?.Report(value);
        }
    }
}

/// <summary>A piece of a file that is downloaded together with others.</summary>
/// <param name="Info">In the first piece of a file only: what is known of the file.</param>
/// <param name="Content">Bytes that follow those of the piece before.</param>
/// <param name="Last">Whether this is the file's last piece.</param>
public readonly record struct FilePiece(FileInfo? Info, ReadOnlyMemory<byte> Content, bool Last);
