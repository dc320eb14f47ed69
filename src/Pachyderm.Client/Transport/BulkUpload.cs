using System.Threading.Channels;
using Grpc.Core;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client.Transport;

/// <summary>Sends many files through <c>PutFiles</c>: one side packs files into messages, the other sends them.</summary>
internal sealed class BulkUpload(
    Connection connection, Files.FilesClient files, SharedSequence<LocalFile> source, IProgress<Transfer>? progress)
{
    // One message is packed while one is sent; one more evens out the two.
    private const int MessagesAhead = 1;

    /// <summary>Takes files from the source until there are none, and waits until the server has recorded them.</summary>
    /// <exception cref="PachException">The server refused, or did not record as many files as were sent.</exception>
    public async Task<Transfer> RunAsync(Commit commit, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using AsyncClientStreamingCall<PutFilesRequest, PutFilesResponse> call = files.PutFiles(cancellationToken: stop.Token);
        var batches =
            Channel.CreateBounded<UploadBatch>(new BoundedChannelOptions(MessagesAhead) { SingleReader = true, SingleWriter = true });
        Task packing = Task.Run(() => PackAsync(commit, batches.Writer, stop.Token), CancellationToken.None);
        Transfer sent = default;
        try
        {
            await foreach (UploadBatch batch in batches.Reader.ReadAllAsync(stop.Token))
            {
                using (batch)
                {
                    await connection.WriteAsync(call, batch.Message, stop.Token);
                    sent += batch.Content;
                    progress?.Report(batch.Content);
                }
            }

            await packing;
            await call.RequestStream.CompleteAsync();
            PutFilesResponse recorded = await connection.AnswerAsync(call.ResponseAsync);
            return (long)recorded.Files == sent.Files && (long)recorded.Bytes == sent.Bytes
                ? sent
                : throw new PachException(
                    StatusCode.DataLoss,
                    $"{sent.Files} files with {sent.Bytes} bytes were sent, but the server recorded {recorded.Files} with "
                        + $"{recorded.Bytes}");
        }
        catch
        {
            // The call must not end well, and the packer must not go on.
            await stop.CancelAsync();
            await packing;
            throw;
        }
        finally
        {
            while (batches.Reader.TryRead(out UploadBatch? left))
            {
                left.Dispose();
            }
        }
    }

    // Never throws: the sender, which waits on the other side of the channel, does.
    private async Task PackAsync(Commit commit, ChannelWriter<UploadBatch> batches, CancellationToken cancellationToken)
    {
        UploadBatch? batch = null;
        Exception? failure = null;
        try
        {
            batch = new UploadBatch();
            batch.Open(commit);
            while (await source.NextAsync(cancellationToken) is { } file)
            {
                batch = file.Source is null
                    ? await PackStreamAsync(file, batch, batches, cancellationToken)
                    : await PackFromDiskAsync(file, batch, batches, cancellationToken);
            }

            await batches.WriteAsync(batch, cancellationToken);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        batches.Complete(failure);
    }

    // Small files are read at once on this thread: going to the thread pool for each costs more than the read.
    private static async Task<UploadBatch> PackFromDiskAsync(
        LocalFile file, UploadBatch batch, ChannelWriter<UploadBatch> batches, CancellationToken cancellationToken)
    {
        using SafeFileHandle handle = LocalContent.OpenHandle(file.Source!);
        long position = 0;
        return await PackAsync(file, batch, batches, Read, cancellationToken);

        ValueTask<int> Read(Memory<byte> room)
        {
            try
            {
                int read = RandomAccess.Read(handle, room.Span, position);
                position += read;
                return ValueTask.FromResult(read);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw LocalContent.Unreadable(file.Source!, exception);
            }
        }
    }

    private static async Task<UploadBatch> PackStreamAsync(
        LocalFile file, UploadBatch batch, ChannelWriter<UploadBatch> batches, CancellationToken cancellationToken)
    {
        await using Stream content = await file.OpenAsync(cancellationToken);
        return await PackAsync(file, batch, batches, room => content.ReadAsync(room, cancellationToken), cancellationToken);
    }

    // Returns the message that the next file goes to.
    private static async Task<UploadBatch> PackAsync(
        LocalFile file, UploadBatch batch, ChannelWriter<UploadBatch> batches, Func<Memory<byte>, ValueTask<int>> read,
        CancellationToken cancellationToken)
    {
        for (bool first = true; ; first = false)
        {
            if (batch.IsFull)
            {
                await batches.WriteAsync(batch, cancellationToken);
                batch = new UploadBatch();
            }

            Memory<byte> room = batch.Free;
            int length = 0;
            bool ended = false;
            while (length < room.Length && !ended)
            {
                int added = await read(room[length..]);
                ended = added == 0;
                length += added;
            }

            batch.Add(first ? file : null, length, last: ended);
            if (ended)
            {
                return batch;
            }
        }
    }
}
