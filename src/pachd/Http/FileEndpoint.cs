using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;
using Pachyderm.Pachd.Hosting;
using Pachyderm.Pachd.Translation;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pachd.Http;

/// <summary>Files by HTTP (spec/pfs.md section 5), with ranges; and whether pachd lives.</summary>
internal static class FileEndpoint
{
    private const string Route = "/v1/pfs/repos/{repo}/commits/{commit}/files/{**path}";

    /// <summary>Adds the routes.</summary>
    public static void Map(WebApplication app)
    {
        ILogger logger = app.Logger;
        app.MapMethods(Route, ["GET", "HEAD"], (HttpContext context, PachydermFileSystem files, string repo, string commit, string? path) =>
            AnswerAsync(context, files, new CommitReference(new RepoName(repo), commit), path ?? "", logger));
        app.MapGet("/healthz", () => "ok\n");
        // The same as long as there is nothing that pachd opens later than it listens.
        app.MapGet("/readyz", () => "ok\n");
    }

    private static async Task AnswerAsync(HttpContext context, PachydermFileSystem files, CommitReference commit, string path, ILogger logger)
    {
        try
        {
            using CommitView view = await files.Reader.OpenAsync(commit, context.RequestAborted);
            CommitFile file = await view.FindFileAsync(path, context.RequestAborted);
            await SendAsync(context, view, file);
        }
        catch (Exception exception) when (!context.Response.HasStarted && StatusTable.Find(exception) is not null)
        {
            Grpc.Core.Status status = StatusTable.Find(exception)!.Value;
            if (exception is not PfsException)
            {
                logger.CallFailed(context.Request.Path, status.Detail);
            }
            context.Response.Clear();
            context.Response.StatusCode = status.StatusCode switch
            {
                Grpc.Core.StatusCode.NotFound => StatusCodes.Status404NotFound,
                Grpc.Core.StatusCode.InvalidArgument or Grpc.Core.StatusCode.FailedPrecondition => StatusCodes.Status400BadRequest,
                _ => StatusCodes.Status500InternalServerError,
            };
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(status.Detail + "\n", context.RequestAborted);
        }
        catch (Exception exception) when (exception is not OperationCanceledException && StatusTable.Find(exception) is { } status)
        {
            // The status has been sent: a broken connection is the only way left to say that the file is not whole.
            logger.CallFailed(context.Request.Path, status.Detail);
            context.Abort();
        }
    }

    private static async Task SendAsync(HttpContext context, CommitView view, CommitFile file)
    {
        long size = file.Entry.Size;
        ResponseHeaders headers = context.Response.GetTypedHeaders();
        EntityTagHeaderValue tag = new($"\"{file.Entry.Hash}-{size.ToString(CultureInfo.InvariantCulture)}\"");
        headers.ETag = tag;
        context.Response.Headers.AcceptRanges = "bytes";
        context.Response.ContentType = MediaTypeNames.Application.Octet;
        ContentDispositionHeaderValue disposition = new("attachment");
        disposition.SetHttpFileName(file.Path[(file.Path.LastIndexOf('/') + 1)..]);
        headers.ContentDisposition = disposition;

        long offset = 0;
        long length = size;
        RequestHeaders request = context.Request.GetTypedHeaders();
        if (request.IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false)))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }
        bool isSame = request.IfRange is null || (request.IfRange.EntityTag?.Compare(tag, useStrongComparison: true) ?? false);
        if (isSame && request.Range is { Unit.Value: "bytes", Ranges.Count: 1 } range)
        {
            RangeItemHeaderValue item = range.Ranges.First();
            offset = item.From ?? Math.Max(0, size - item.To!.Value);
            long last = item.From is null ? size - 1 : Math.Min(item.To ?? size - 1, size - 1);
            if (offset > last)
            {
                context.Response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
                headers.ContentRange = new ContentRangeHeaderValue(size);
                return;
            }
            length = last - offset + 1;
            headers.ContentRange = new ContentRangeHeaderValue(offset, last, size);
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
        }
        headers.ContentLength = length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }
        await foreach (ChunkBuffer piece in view.ReadAsync(file, offset, length, context.RequestAborted))
        {
            using (piece)
            {
                await context.Response.Body.WriteAsync(piece.Memory, context.RequestAborted);
            }
        }
    }
}
