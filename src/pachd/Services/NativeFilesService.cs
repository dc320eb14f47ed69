using System.Runtime.CompilerServices;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pachyderm.native.v1.Files</c>: many files in one stream, and lists without a ceiling.</summary>
internal sealed partial class NativeFilesService(PachydermFileSystem files, HandOverDesk desk) : Wire.Native.Files.FilesBase
{
    private const int MessageLength = 1 << 20;

    /// <inheritdoc/>
    public override async Task<Wire.Native.PutFilesResponse> PutFiles(
        IAsyncStreamReader<Wire.Native.PutFilesRequest> requestStream, ServerCallContext context)
    {
        if (!await requestStream.MoveNext(context.CancellationToken))
        {
            return new Wire.Native.PutFilesResponse();
        }
        CommitReference commit = Requests.Commit(requestStream.Current.Commit);
        BulkSummary summary = await files.Writer.PutManyAsync(
            commit, ReadPartsAsync(requestStream, context.CancellationToken), context.CancellationToken);
        return new Wire.Native.PutFilesResponse { Files = (ulong)summary.Files, Bytes = (ulong)summary.Bytes };
    }

    /// <inheritdoc/>
    public override async Task GetFiles(
        Wire.Native.GetFilesRequest request, IServerStreamWriter<Wire.Native.GetFilesResponse> responseStream, ServerCallContext context)
    {
        CancellationToken token = context.CancellationToken;
        using CommitView view = await files.Reader.OpenAsync(Requests.Commit(request.Commit), token);
        using FileSender sender = new(responseStream, token);
        await foreach (CommitFile file in view.WalkAsync(request.Path, token))
        {
            if (file.Entry.IsDirectory)
            {
                continue;
            }
            Wire.Native.GetFilePart part = new() { Info = file.ToWire() };
            await foreach (ChunkBuffer piece in view.ReadAsync(file, 0, null, token))
            {
                await sender.AddAsync(part, piece);
                part = new Wire.Native.GetFilePart();
            }
            await sender.EndAsync(part);
        }
        await sender.CompleteAsync();
    }

    /// <inheritdoc/>
    public override async Task ListFiles(
        Wire.Native.ListFilesRequest request, IServerStreamWriter<Wire.Pfs.FileInfos> responseStream, ServerCallContext context)
    {
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(request.File), context.CancellationToken);
        string path = request.File.Path;
        await SendAsync(
            request.Recursive
                ? BelowAsync(view, path, context.CancellationToken)
                : view.ListAsync(path, context.CancellationToken), responseStream, context);
    }

    /// <inheritdoc/>
    public override async Task GlobFiles(
        Wire.Pfs.GlobFileRequest request, IServerStreamWriter<Wire.Pfs.FileInfos> responseStream, ServerCallContext context)
    {
        using CommitView view = await files.Reader.OpenAsync(Requests.Commit(request.Commit), context.CancellationToken);
        await SendAsync(view.GlobAsync(request.Pattern, context.CancellationToken), responseStream, context);
    }

    /// <inheritdoc/>
    public override Task DiffFiles(
        Wire.Pfs.DiffFileRequest request, IServerStreamWriter<Wire.Pfs.DiffFileResponse> responseStream,
        ServerCallContext context) => Pieces.SendAsync(
        PfsService.DiffAsync(files, request, context.CancellationToken),
        () => new Wire.Pfs.DiffFileResponse(),
        (piece, difference) => Add(piece.NewFiles, difference.New) + Add(piece.OldFiles, difference.Old),
        piece => responseStream.WriteAsync(piece, context.CancellationToken),
        context.CancellationToken);

    /// <inheritdoc/>
    public override Task ListCommits(
        Wire.Pfs.ListCommitRequest request, IServerStreamWriter<Wire.Pfs.CommitInfos> responseStream,
        ServerCallContext context) => Pieces.SendAsync(
        files.CommitList.ListAsync(
            Requests.Repo(request.Repo), Requests.CommitOrNull(request.To), Requests.CommitOrNull(request.From), request.Number,
            context.CancellationToken),
        () => new Wire.Pfs.CommitInfos(),
        (piece, commit) => Add(piece.CommitInfo, commit.ToWire()),
        piece => responseStream.WriteAsync(piece, context.CancellationToken),
        context.CancellationToken);

    /// <inheritdoc/>
    public override async Task ListRepos(
        Wire.Pfs.ListRepoRequest request, IServerStreamWriter<Wire.Pfs.RepoInfos> responseStream, ServerCallContext context)
    {
        IReadOnlyList<RepoInfo> repos = await files.Repos.ListAsync(Requests.Repos(request.Provenance), context.CancellationToken);
        await Pieces.SendAsync(
            repos.ToAsyncEnumerable(),
            () => new Wire.Pfs.RepoInfos(),
            (piece, repo) => Add(piece.RepoInfo, repo.ToWire()),
            piece => responseStream.WriteAsync(piece, context.CancellationToken),
            context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.Commit> StartCommitCopy(Wire.Native.StartCommitCopyRequest request, ServerCallContext context)
    {
        Wire.Pfs.StartCommitRequest start = request.Start ?? new Wire.Pfs.StartCommitRequest();
        CommitOrigin origin = Requests.Origin(start.Parent, start.Branch, start.Provenance);
        DateTimeOffset? started = Requests.Moment(request.Started);
        return (await files.Commits.StartAsync(origin, new CommitId(request.Id), started, context.CancellationToken)).ToWire();
    }

    /// <inheritdoc/>
    public override async Task<Empty> FinishCommitCopy(Wire.Native.FinishCommitCopyRequest request, ServerCallContext context)
    {
        await files.Commits.FinishAsync(
            Requests.Commit(request.Commit), Requests.Moment(request.Finished), context.CancellationToken);
        return Replies.Empty;
    }

    private static Task SendAsync(
        IAsyncEnumerable<CommitFile> found, IServerStreamWriter<Wire.Pfs.FileInfos> responseStream, ServerCallContext context) =>
        Pieces.SendAsync(
            found,
            () => new Wire.Pfs.FileInfos(),
            (piece, file) => Add(piece.FileInfo, file),
            piece => responseStream.WriteAsync(piece, context.CancellationToken),
            context.CancellationToken);

    private static int Add(Google.Protobuf.Collections.RepeatedField<Wire.Pfs.FileInfo> list, CommitFile? file) =>
        file is null ? 0 : Add(list, file.ToWire());

    private static int Add<T>(Google.Protobuf.Collections.RepeatedField<T> list, T item)
        where T : IMessage
    {
        list.Add(item);
        return item.CalculateSize() + 4;
    }

    // What is listed is below the path; of a file, the file itself.
    private static async IAsyncEnumerable<CommitFile> BelowAsync(
        CommitView view, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool isFirst = true;
        await foreach (CommitFile file in view.WalkAsync(path, cancellationToken))
        {
            if (!isFirst || !file.Entry.IsDirectory)
            {
                yield return file;
            }
            isFirst = false;
        }
    }

    private static async IAsyncEnumerable<BulkPart> ReadPartsAsync(
        IAsyncStreamReader<Wire.Native.PutFilesRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        do
        {
            foreach (Wire.Native.FilePart part in requests.Current.Parts)
            {
                yield return new BulkPart(part.Path.Length == 0 ? null : part.Path, part.Value.Memory, part.Last, part.Overwrite);
            }
        }
        while (await requests.MoveNext(cancellationToken));
    }

    /// <summary>Puts parts together in messages of about 1 MiB, and keeps the buffers that they refer to until they are sent.</summary>
    private sealed class FileSender(
        IServerStreamWriter<Wire.Native.GetFilesResponse> writer, CancellationToken cancellationToken) : IDisposable
    {
        private readonly List<ChunkBuffer> held = [];
        private Wire.Native.GetFilesResponse message = new();
        private long length;

        public async ValueTask AddAsync(Wire.Native.GetFilePart first, ChunkBuffer piece)
        {
            held.Add(piece);
            Wire.Native.GetFilePart part = first;
            for (ReadOnlyMemory<byte> rest = piece.Memory; !rest.IsEmpty;)
            {
                int taken = Math.Min(MessageLength, rest.Length);
                part.Value = UnsafeByteOperations.UnsafeWrap(rest[..taken]);
                rest = rest[taken..];
                message.Parts.Add(part);
                length += taken + 256;
                part = new Wire.Native.GetFilePart();
                if (length >= MessageLength)
                {
                    await SendAsync(keep: !rest.IsEmpty);
                }
            }
        }

        /// <summary>Ends a file: with its first part if nothing of it was sent, else with the one that goes out next.</summary>
        public async ValueTask EndAsync(Wire.Native.GetFilePart rest)
        {
            Wire.Native.GetFilePart last = rest;
            if (rest.Info is null && message.Parts.Count > 0)
            {
                last = message.Parts[^1];
            }
            else
            {
                message.Parts.Add(rest);
                length += 256;
            }
            last.Last = true;
            if (length >= MessageLength)
            {
                await SendAsync(keep: false);
            }
        }

        /// <summary>Sends what is left.</summary>
        public async ValueTask CompleteAsync()
        {
            if (message.Parts.Count > 0)
            {
                await SendAsync(keep: false);
            }
        }

        public void Dispose() => held.ForEach(piece => piece.Dispose());

        private async ValueTask SendAsync(bool keep)
        {
            await writer.WriteAsync(message, cancellationToken);
            message = new Wire.Native.GetFilesResponse();
            length = 0;
            // The last buffer is still being sent from.
            int done = keep ? held.Count - 1 : held.Count;
            held.Take(done).ToList().ForEach(piece => piece.Dispose());
            held.RemoveRange(0, done);
        }
    }
}
