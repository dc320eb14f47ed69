using Grpc.Core;
using Pachyderm.Errors;
using Pachyderm.Pfs;
using Pachyderm.Pps;

namespace Pachyderm.Pachd.Translation;

/// <summary>Which gRPC status each failure has. The message is that of the failure, one line for the caller.</summary>
internal static class StatusTable
{
    /// <summary>The status of a failure; null if it is a defect.</summary>
    public static Status? Find(Exception exception) => exception switch
    {
        RpcException rpc => rpc.Status,
        PfsException refusal => new Status(Of(refusal.Kind), refusal.Message),
        PpsException refusal => new Status(Of(refusal.Kind), refusal.Message),
        CorruptionException damage => new Status(StatusCode.DataLoss, damage.Message),
        OperatorException problem => new Status(Of(problem.Id), problem.Message),
        OperationCanceledException => new Status(StatusCode.Cancelled, "the call was cancelled"),
        _ => null,
    };

    private static StatusCode Of(PfsErrorKind kind) => kind switch
    {
        PfsErrorKind.NotFound => StatusCode.NotFound,
        PfsErrorKind.AlreadyExists => StatusCode.AlreadyExists,
        PfsErrorKind.InvalidArgument => StatusCode.InvalidArgument,
        PfsErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
        PfsErrorKind.TooLarge => StatusCode.ResourceExhausted,
        PfsErrorKind.SourceUnavailable => StatusCode.Aborted,
        PfsErrorKind.Unimplemented => StatusCode.Unimplemented,
        _ => StatusCode.Unknown,
    };

    private static StatusCode Of(PpsErrorKind kind) => kind switch
    {
        PpsErrorKind.NotFound => StatusCode.NotFound,
        PpsErrorKind.AlreadyExists => StatusCode.AlreadyExists,
        PpsErrorKind.InvalidArgument => StatusCode.InvalidArgument,
        PpsErrorKind.FailedPrecondition => StatusCode.FailedPrecondition,
        _ => StatusCode.Unknown,
    };

    private static StatusCode Of(string id) => id switch
    {
        "storage-full" or "storage-open-files" => StatusCode.ResourceExhausted,
        "store-format" or "store-read-only" or "store-upgraded" or "storage-read-only" => StatusCode.FailedPrecondition,
        "adopted-source-missing" or "adopted-source-unknown" or "adopted-source-needed" or "adopted-source-not-final" =>
            StatusCode.FailedPrecondition,
        "restore-conflict" => StatusCode.AlreadyExists,
        "stream-format-unknown" => StatusCode.FailedPrecondition,
        "storage-permission" => StatusCode.PermissionDenied,
        "storage-device-failed" => StatusCode.Unavailable,
        _ => StatusCode.Internal,
    };
}
