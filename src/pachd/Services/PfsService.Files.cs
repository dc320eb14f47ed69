using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Services;

/// <summary><c>pfs.API</c>: files.</summary>
internal sealed partial class PfsService
{
    /// <inheritdoc/>
    public override async Task<Empty> PutFile(IAsyncStreamReader<Wire.Pfs.PutFileRequest> requestStream, ServerCallContext context)
    {
        // A call without a message is nothing to be done, as in 1.5.
        if (!await requestStream.MoveNext(context.CancellationToken))
        {
            return Replies.Empty;
        }
        Wire.Pfs.PutFileRequest first = requestStream.Current;
        CommitReference commit = Requests.CommitOf(first.File);
        PutOptions options = new()
        {
            Delimiter = (SplitDelimiter)first.Delimiter,
            TargetDatums = first.TargetFileDatums,
            TargetBytes = first.TargetFileBytes,
            Overwrite = first.Overwrite,
        };
        if (first.Url.Length == 0)
        {
            await files.Writer.PutAsync(commit, first.File.Path, ReadValuesAsync(requestStream, context.CancellationToken), options, context.CancellationToken);
            return Replies.Empty;
        }
        await files.Importer.PutAsync(commit, first.File.Path, first.Url, first.Recursive, options, context.CancellationToken);
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            // What follows an address has no meaning; it is read so that the client is not disturbed in sending it.
        }
        return Replies.Empty;
    }

    /// <inheritdoc/>
    public override async Task GetFile(
        Wire.Pfs.GetFileRequest request, IServerStreamWriter<BytesValue> responseStream, ServerCallContext context)
    {
        if (request.OffsetBytes < 0 || request.SizeBytes < 0)
        {
            throw new PfsException(PfsErrorKind.InvalidArgument, "offset_bytes and size_bytes cannot be negative");
        }
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(request.File), context.CancellationToken);
        CommitFile file = await view.FindFileAsync(request.File.Path, context.CancellationToken);
        long? count = request.SizeBytes == 0 ? null : request.SizeBytes;
        await ByteStreams.SendAsync(
            view.ReadAsync(file, request.OffsetBytes, count, context.CancellationToken), responseStream, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.FileInfo> InspectFile(Wire.Pfs.InspectFileRequest request, ServerCallContext context)
    {
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(request.File), context.CancellationToken);
        CommitFile file = await view.InspectAsync(request.File.Path, context.CancellationToken);
        Wire.Pfs.FileInfo reply = file.ToWire();
        long room = PachdHost.MaximumMessage - reply.CalculateSize() - 1024;
        if (file.Entry.IsDirectory)
        {
            await foreach (CommitFile child in view.ListAsync(request.File.Path, context.CancellationToken))
            {
                string name = System.Text.Encoding.UTF8.GetString(child.Entry.Path.Name.Span);
                room -= System.Text.Encoding.UTF8.GetByteCount(name) + 4;
                CheckRoom(room, request.File.Path);
                reply.Children.Add(name);
            }
            return reply;
        }
        await foreach (ChunkReference chunk in view.ListChunksAsync(file, context.CancellationToken))
        {
            Wire.Pfs.Object part = new() { Hash = chunk.Id.ToString() };
            room -= part.CalculateSize() + 4;
            CheckRoom(room, request.File.Path);
            reply.Objects.Add(part);
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.FileInfos> ListFile(Wire.Pfs.ListFileRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("files", "pachyderm.native.v1.Files/ListFiles");
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(request.File), context.CancellationToken);
        return await CollectAsync(view.ListAsync(request.File.Path, context.CancellationToken), budget);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.FileInfos> GlobFile(Wire.Pfs.GlobFileRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("files", "pachyderm.native.v1.Files/GlobFiles");
        using CommitView view = await files.Reader.OpenAsync(Requests.Commit(request.Commit), context.CancellationToken);
        return await CollectAsync(view.GlobAsync(request.Pattern, context.CancellationToken), budget);
    }

    /// <inheritdoc/>
    public override async Task<Wire.Pfs.DiffFileResponse> DiffFile(Wire.Pfs.DiffFileRequest request, ServerCallContext context)
    {
        ReplyBudget budget = new("differences", "pachyderm.native.v1.Files/DiffFiles");
        Wire.Pfs.DiffFileResponse reply = new();
        await foreach (CommitDifference difference in DiffAsync(files, request, context.CancellationToken))
        {
            if (difference.New is { } changed)
            {
                reply.NewFiles.Add(budget.Take(changed.ToWire()));
            }
            if (difference.Old is { } before)
            {
                reply.OldFiles.Add(budget.Take(before.ToWire()));
            }
        }
        return reply;
    }

    /// <inheritdoc/>
    public override async Task<Empty> DeleteFile(Wire.Pfs.DeleteFileRequest request, ServerCallContext context)
    {
        await files.Writer.DeleteAsync(Requests.CommitOf(request.File), request.File.Path, context.CancellationToken);
        return Replies.Empty;
    }

    /// <summary>What a request for differences asks for: against another file, or against the same path in the parent.</summary>
    internal static async IAsyncEnumerable<CommitDifference> DiffAsync(
        PachydermFileSystem files, Wire.Pfs.DiffFileRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using CommitView view = await files.Reader.OpenAsync(Requests.CommitOf(request.NewFile), cancellationToken);
        using CommitView? old = request.OldFile is null
            ? await files.Reader.OpenParentAsync(view.Commit, cancellationToken)
            : await files.Reader.OpenAsync(Requests.CommitOf(request.OldFile), cancellationToken);
        await foreach (CommitDifference difference in view.DiffAsync(
            request.NewFile.Path, old, (request.OldFile ?? request.NewFile).Path, request.Shallow, cancellationToken))
        {
            yield return difference;
        }
    }

    // The first message has been read already.
    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadValuesAsync(
        IAsyncStreamReader<Wire.Pfs.PutFileRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        do
        {
            yield return requests.Current.Value.Memory;
        }
        while (await requests.MoveNext(cancellationToken));
    }

    private static async Task<Wire.Pfs.FileInfos> CollectAsync(IAsyncEnumerable<CommitFile> found, ReplyBudget budget)
    {
        Wire.Pfs.FileInfos reply = new();
        await foreach (CommitFile file in found)
        {
            reply.FileInfo.Add(budget.Take(file.ToWire()));
        }
        return reply;
    }

    private static void CheckRoom(long room, string path)
    {
        if (room < 0)
        {
            throw new PfsException(
                PfsErrorKind.TooLarge,
                $"\"{path}\" has more parts than the {PachdHost.MaximumMessage >> 20} MiB of one message can name; "
                + "use pachyderm.native.v1.Files/ListFiles, which streams");
        }
    }
}
