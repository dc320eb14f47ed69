using Grpc.Core;
using Pachyderm.Errors;

namespace Pachyderm.RecordStores.Etcd;

/// <summary>Tells failures of calls apart and words them for the person who must act.</summary>
internal static class EtcdErrors
{
    private const int MaxDetail = 200;

    /// <summary>Classifies a failed call.</summary>
    public static EtcdFailure Classify(RpcException failure)
    {
        if (FindConnectFailure(failure) is not null || Says(failure, "etcdserver: too many requests"))
        {
            return EtcdFailure.NotSent;
        }

        return failure.StatusCode switch
        {
            StatusCode.InvalidArgument or StatusCode.NotFound or StatusCode.AlreadyExists or StatusCode.PermissionDenied
                or StatusCode.Unauthenticated or StatusCode.ResourceExhausted or StatusCode.FailedPrecondition or StatusCode.OutOfRange
                or StatusCode.Unimplemented or StatusCode.DataLoss => EtcdFailure.Refused,
            _ => EtcdFailure.Lost,
        };
    }

    /// <summary>The failure to connect that is underneath, if there is one.</summary>
    public static EtcdConnectException? FindConnectFailure(RpcException failure)
    {
        for (Exception? inner = failure.Status.DebugException; inner is not null; inner = inner.InnerException)
        {
            if (inner is EtcdConnectException connect)
            {
                return connect;
            }
        }

        return null;
    }

    /// <summary>Whether the failure's text contains <paramref name="text"/>.</summary>
    public static bool Says(RpcException failure, string text) => failure.Status.Detail.Contains(text, StringComparison.Ordinal);

    /// <summary>What the other side said, as one line of bounded length.</summary>
    public static string Detail(RpcException failure) => OneLine(FindConnectFailure(failure)?.Message ?? failure.Status.Detail);

    /// <summary>Makes one line of bounded length of a text from outside.</summary>
    public static string OneLine(string text)
    {
        string cut = text.Length > MaxDetail ? string.Concat(text.AsSpan(0, MaxDetail), "...") : text;
        return string.Create(cut.Length, cut, static (line, from) =>
        {
            for (int i = 0; i < line.Length; i++)
            {
                line[i] = char.IsControl(from[i]) ? ' ' : from[i];
            }
        });
    }

    /// <summary>The exception for a call that etcd refused.</summary>
    public static Exception Refused(string location, RpcException failure)
    {
        OperatorException Error(string id, string problem, string remedy) => new(id, location, problem, remedy, failure);

        if (Says(failure, "duplicate key given in txn request") || Says(failure, "key is not provided"))
        {
            return new ArgumentException($"{location}: {Detail(failure)}", nameof(failure), failure);
        }

        return failure.StatusCode switch
        {
            _ when Says(failure, "database space exceeded") => Error(
                "etcd-no-space",
                "the database has reached its space quota, and etcd takes no more writes",
                "make room with `etcdctl compact REVISION`, then `etcdctl defrag`, then `etcdctl alarm disarm`; "
                    + "or restart etcd with a larger --quota-backend-bytes and disarm the alarm"),
            _ when Says(failure, "request is too large") || Says(failure, "message larger than max") => Error(
                "etcd-request-too-large",
                "the request is larger than this etcd accepts",
                "restart etcd with a larger --max-request-bytes (its default is 1.5 MiB)"),
            _ when Says(failure, "revision has been compacted") => Error(
                "revision-compacted",
                "the revision that was being read has been compacted away",
                "start again, so that the current revision is read; if it happens again, turn off etcd's automatic compaction meanwhile"),
            _ when Says(failure, "is a future revision") => Error(
                "revision-in-future",
                "the revision to be read does not exist yet",
                "check that this is the etcd that the revision was taken from"),
            _ when Says(failure, "too many operations in txn request") => Error(
                "etcd-too-many-operations",
                "this etcd allows fewer operations in one transaction than the default of 128",
                "restart etcd without --max-txn-ops"),
            _ when Says(failure, "requested lease not found") => Error(
                "lease-not-found",
                "the lease has expired or was revoked",
                "start again, and look for what held the program up for longer than the lease lasts"),
            _ when Says(failure, "corrupt cluster") => Error(
                "etcd-corrupt",
                "etcd has found its members' data to differ, and refuses to work",
                "restore the members from a snapshot that is known to be good"),
            StatusCode.Unauthenticated or StatusCode.PermissionDenied => AccessDenied(),
            _ when Says(failure, "user name is empty") => AccessDenied(),
            StatusCode.Unimplemented => Error(
                "etcd-version",
                $"the server does not know this call ({Detail(failure)})",
                "use etcd 3.1 or later"),
            _ => Error("etcd-refused", $"etcd refused: {Detail(failure)}", "see etcd's log for the reason"),
        };

        OperatorException AccessDenied() => Error(
            "etcd-access-denied",
            $"etcd demands a user ({Detail(failure)})",
            "turn authentication off with `etcdctl auth disable`, as Pachyderm itself cannot use it");
    }

    /// <summary>The exception for an etcd that stayed away for longer than is waited for.</summary>
    public static OperatorException Unreachable(string location, TimeSpan waited, RpcException failure) => new(
        "etcd-unreachable",
        location,
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no answer for {waited.TotalSeconds:0} s ({Detail(failure)})"),
        "check that etcd runs and that the address is right, then start again",
        failure);

    /// <summary>The exception for a transaction whose answer was lost.</summary>
    public static OperatorException OutcomeUnknown(string location, RpcException failure) => new(
        "transaction-outcome-unknown",
        location,
        $"the connection was lost before the answer to a transaction came ({Detail(failure)})",
        "read the keys to see whether it was made, or start again",
        failure);

    /// <summary>The exception for a first contact that failed.</summary>
    public static Exception FirstContact(string location, RpcException failure)
    {
        if (FindConnectFailure(failure) is { } connect)
        {
            return new OperatorException(
                "etcd-unreachable",
                location,
                OneLine(connect.Message),
                "check that etcd runs and that the address is right",
                failure);
        }

        return Says(failure, "etcdserver:")
            ? Refused(location, failure)
            : new OperatorException(
                "not-etcd",
                location,
                $"something answers there, but it is not the v3 API of an etcd without TLS ({Detail(failure)})",
                "give etcd's client address, port 2379 by default",
                failure);
    }
}
