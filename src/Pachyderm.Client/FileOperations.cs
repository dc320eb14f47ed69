using System.Runtime.CompilerServices;
using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;
using PfsApi = Pachyderm.Wire.Pfs.API;

namespace Pachyderm.Client;

/// <summary>
/// Files of a commit. Paths are absolute, with or without a slash at the beginning. Errors as in <see cref="RepoOperations"/>.
/// </summary>
public sealed partial class FileOperations
{
    private readonly Connection _connection;
    private readonly PfsApi.APIClient _pfs;
    private readonly Files.FilesClient _native;

    internal FileOperations(Connection connection)
    {
        _connection = connection;
        _pfs = new PfsApi.APIClient(connection.Invoker);
        _native = new Files.FilesClient(connection.Invoker);
    }

    /// <summary>
    /// Writes one file to a commit that is not finished. It is durable on return; if this fails it was not recorded, or not told. Of a
    /// large
    /// file that can be sought, only what the server does not have yet is sent.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The file. Content is appended if it exists, unless the options say otherwise.</param>
    /// <param name="content">Read to its end, and not disposed of.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="progress">Told of what was sent; called from other threads.</param>
    /// <param name="cancellationToken">Stops the upload; nothing is recorded then.</param>
    public async Task PutAsync(
        CommitRef commit,
        string path,
        Stream content,
        PutFileOptions? options = null,
        IProgress<Transfer>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        if (options is null or { Delimiter: Delimiter.None }
            && content.CanSeek
            && content.Length - content.Position >= SparingUpload.SmallestFile
            && !_connection.Lacks(nameof(_native.PutContent))
            && await new SparingUpload(_connection, _native, progress).TrySendAsync(
                commit.ToWire(path), options?.Overwrite ?? false, content, cancellationToken))
        {
            return;
        }

        PutFileRequest head = Head(commit, path, options);
        await ContentUpload.SendAsync(
            _connection, _pfs.PutFile(cancellationToken: cancellationToken), Message, content, progress, cancellationToken);

        PutFileRequest Message(Google.Protobuf.ByteString value, bool first)
        {
            PutFileRequest request = first ? head : new PutFileRequest();
            request.Value = value;
            return request;
        }
    }

    /// <summary>Lets the server fetch content and write it.</summary>
    /// <param name="commit">The commit, not finished.</param>
    /// <param name="path">The file; with <paramref name="recursive"/> the directory that everything goes to.</param>
    /// <param name="url"><c>http</c>, <c>https</c>, <c>pfs</c> or an object store, as far as the server knows them.</param>
    /// <param name="recursive">Whether everything below the URL is fetched.</param>
    /// <param name="options">How each file is written.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task PutUrlAsync(
        CommitRef commit, string path, string url, bool recursive = false, PutFileOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        PutFileRequest request = Head(commit, path, options);
        request.Url = url;
        request.Recursive = recursive;
        using AsyncClientStreamingCall<PutFileRequest, Google.Protobuf.WellKnownTypes.Empty> call = _pfs.PutFile(
            cancellationToken: cancellationToken);
        await _connection.WriteAsync(call, request, cancellationToken);
        await call.RequestStream.CompleteAsync();
        await _connection.AnswerAsync(call.ResponseAsync);
    }

    /// <summary>Deletes a file, or a directory with everything in it, in a commit that is not finished.</summary>
    public Task DeleteAsync(CommitRef commit, string path, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.DeleteFileAsync(new DeleteFileRequest { File = commit.ToWire(path) }, cancellationToken: cancellationToken));

    /// <summary>Describes a file or directory.</summary>
    public Task<FileInfo> InspectAsync(CommitRef commit, string path, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(
            _pfs.InspectFileAsync(new InspectFileRequest { File = commit.ToWire(path) }, cancellationToken: cancellationToken));

    /// <summary>Writes a file's content to a stream.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The file.</param>
    /// <param name="destination">Where the content goes.</param>
    /// <param name="offset">First byte that is wanted; nothing is written if the file is shorter.</param>
    /// <param name="size">Most bytes; 0 for all.</param>
    /// <param name="progress">Told of what has arrived.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    public async Task GetAsync(
        CommitRef commit,
        string path,
        Stream destination,
        long offset = 0,
        long size = 0,
        IProgress<Transfer>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        await using ContentDownload download = await StartAsync(commit, path, offset, size, cancellationToken);
        await download.CopyToAsync(destination, progress, cancellationToken);
        progress?.Report(new Transfer(Files: 1, Bytes: 0));
    }

    /// <summary>
    /// Writes a file's content to a file on the local disk, which is opened when the server has found the first. What did not arrive
    /// whole is not left behind. A server on the same machine writes large files by itself.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The file.</param>
    /// <param name="destination">Path on disk. A file that exists is replaced; it may be a device or a pipe.</param>
    /// <param name="progress">Told of what was written; called from other threads.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    /// <exception cref="IOException">The destination cannot be written.</exception>
    public async Task SaveAsync(
        CommitRef commit, string path, string destination, IProgress<Transfer>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(destination);
        using HandOverDownload? direct = await HandOverDownload.TryStartAsync(_connection, _native, commit.ToWire(path), cancellationToken);
        ContentDownload? download = direct is null ? await StartAsync(commit, path, 0, 0, cancellationToken) : null;
        try
        {
            bool mayRemove = MayRemove(destination);
            FileStream file = new(destination, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0 });
            try
            {
                await using (file)
                {
                    if (direct is null || !await direct.TryWriteAsync(file, progress, cancellationToken))
                    {
                        download ??= await StartAsync(commit, path, 0, 0, cancellationToken);
                        await download.CopyToAsync(file, progress, cancellationToken);
                    }
                }
            }
            catch when (mayRemove)
            {
                System.IO.File.Delete(destination);
                throw;
            }
        }
        finally
        {
            if (download is not null)
            {
                await download.DisposeAsync();
            }
        }

        progress?.Report(new Transfer(Files: 1, Bytes: 0));
    }

    /// <summary>
    /// Opens a file's content as a stream that is read forward, asynchronously. What is wrong with the request is thrown here.
    /// </summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The file.</param>
    /// <param name="offset">First byte that is wanted; the stream is empty if the file is shorter.</param>
    /// <param name="size">Most bytes; 0 for all.</param>
    /// <param name="cancellationToken">Stops the download, also after this has returned.</param>
    public async Task<Stream> OpenAsync(
        CommitRef commit, string path, long offset = 0, long size = 0, CancellationToken cancellationToken = default) =>
        new DownloadStream(await StartAsync(commit, path, offset, size, cancellationToken));

    /// <summary>Lists a directory in byte order of names, or with <paramref name="recursive"/> everything below it.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="path">The directory; the root if empty.</param>
    /// <param name="recursive">Whether everything below is listed.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<FileInfo> ListAsync(
        CommitRef commit, string path = "", bool recursive = false, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ListFilesRequest request = new() { File = commit.ToWire(path), Recursive = recursive };
        IAsyncEnumerable<FileInfos> pieces = _connection.ReadOrFallBackAsync(
            "ListFiles",
            () => _native.ListFiles(request, cancellationToken: cancellationToken),
            () => recursive ? WalkAsync(commit, path, cancellationToken) : ListOnceAsync(commit, path, cancellationToken),
            cancellationToken);
        await foreach (FileInfos piece in pieces)
        {
            foreach (FileInfo file in piece.FileInfo)
            {
                yield return file;
            }
        }
    }

    /// <summary>Yields the files and directories whose path matches a pattern.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="pattern">
    /// <c>*</c> and <c>?</c> match within one level, <c>[a-z]</c> one of several characters, <c>\</c> takes the next literally.
    /// </param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<FileInfo> GlobAsync(
        CommitRef commit, string pattern, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        GlobFileRequest request = new() { Commit = commit.ToWire(), Pattern = pattern };
        IAsyncEnumerable<FileInfos> pieces = _connection.ReadOrFallBackAsync(
            "GlobFiles",
            () => _native.GlobFiles(request, cancellationToken: cancellationToken),
            () => _connection.OnceAsync(() => _pfs.GlobFileAsync(request, cancellationToken: cancellationToken)),
            cancellationToken);
        await foreach (FileInfos piece in pieces)
        {
            foreach (FileInfo file in piece.FileInfo)
            {
                yield return file;
            }
        }
    }

    /// <summary>Compares two files or directories. A file that differs is yielded once for each side that has it.</summary>
    /// <param name="newCommit">The new side.</param>
    /// <param name="newPath">The path on the new side.</param>
    /// <param name="oldCommit">The old side; if null, the parent of the new commit, and the same path.</param>
    /// <param name="oldPath">The path on the old side.</param>
    /// <param name="shallow">Whether directories that differ are yielded whole instead of the files in them.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async IAsyncEnumerable<FileDifference> DiffAsync(
        CommitRef newCommit,
        string newPath = "",
        CommitRef? oldCommit = null,
        string oldPath = "",
        bool shallow = false,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        DiffFileRequest request = new() { NewFile = newCommit.ToWire(newPath), OldFile = oldCommit?.ToWire(oldPath), Shallow = shallow };
        IAsyncEnumerable<DiffFileResponse> pieces = _connection.ReadOrFallBackAsync(
            "DiffFiles",
            () => _native.DiffFiles(request, cancellationToken: cancellationToken),
            () => _connection.OnceAsync(() => _pfs.DiffFileAsync(request, cancellationToken: cancellationToken)),
            cancellationToken);
        await foreach (DiffFileResponse piece in pieces)
        {
            foreach (FileInfo file in piece.NewFiles)
            {
                yield return new FileDifference(file, IsNew: true);
            }

            foreach (FileInfo file in piece.OldFiles)
            {
                yield return new FileDifference(file, IsNew: false);
            }
        }
    }

    private static PutFileRequest Head(CommitRef commit, string path, PutFileOptions? options) => new()
    {
        File = commit.ToWire(path),
        Overwrite = options?.Overwrite ?? false,
        Delimiter = options?.Delimiter ?? Delimiter.None,
        TargetFileDatums = options?.TargetFileDatums ?? 0,
        TargetFileBytes = options?.TargetFileBytes ?? 0,
    };

    // Devices and pipes, which have no length, stay whatever happens; so does a file that was empty.
    private static bool MayRemove(string destination)
    {
        if (!System.IO.File.Exists(destination))
        {
            return true;
        }

        System.IO.FileInfo there = new(destination);
        return ((there.ResolveLinkTarget(returnFinalTarget: true) as System.IO.FileInfo) ?? there).Length > 0;
    }

    private Task<ContentDownload> StartAsync(CommitRef commit, string path, long offset, long size, CancellationToken cancellationToken)
    {
        GetFileRequest request = new() { File = commit.ToWire(path), OffsetBytes = offset, SizeBytes = size };
        return ContentDownload.StartAsync(_connection, ChunkMethods.GetFile, request, cancellationToken);
    }

    private IAsyncEnumerable<FileInfos> ListOnceAsync(CommitRef commit, string path, CancellationToken cancellationToken) =>
        _connection.OnceAsync(
            () => _pfs.ListFileAsync(new ListFileRequest { File = commit.ToWire(path) }, cancellationToken: cancellationToken));

    // The directories of a server that lists one at a time; depth first.
    private async IAsyncEnumerable<FileInfos> WalkAsync(
        CommitRef commit, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Stack<string> directories = new([path]);
        while (directories.TryPop(out string? directory))
        {
            await foreach (FileInfos listing in ListOnceAsync(commit, directory, cancellationToken))
            {
                yield return listing;
                foreach (FileInfo child in listing.FileInfo.Reverse().Where(child => child.FileType == FileType.Dir))
                {
                    directories.Push(child.File.Path);
                }
            }
        }
    }
}

/// <summary>A file that differs between two sides.</summary>
/// <param name="File">The file as it is on that side.</param>
/// <param name="IsNew">Whether that is the new side.</param>
public readonly record struct FileDifference(FileInfo File, bool IsNew);
