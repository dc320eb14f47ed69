using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Pachyderm.Client.Transport;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pps;
using PfsApi = Pachyderm.Wire.Pfs.API;
using PpsApi = Pachyderm.Wire.Pps.API;

namespace Pachyderm.Client;

/// <summary>Care of a whole server. Errors as in <see cref="RepoOperations"/>.</summary>
public sealed class MaintenanceOperations
{
    private readonly Connection _connection;
    private readonly Maintenance.MaintenanceClient _native;

    internal MaintenanceOperations(Connection connection) =>
        (_connection, _native) = (connection, new Maintenance.MaintenanceClient(connection.Invoker));

    /// <summary>Checks everything that is stored, and yields findings, progress and at last a summary.</summary>
    /// <param name="fix">Whether what can be repaired is repaired.</param>
    /// <param name="readData">Whether every chunk is read and hashed, not just what refers to what.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PachException"><see cref="StatusCode.Unimplemented"/>: the server is of 1.5 or older.</exception>
    public IAsyncEnumerable<FsckResponse> FsckAsync(
        bool fix = false, bool readData = false, CancellationToken cancellationToken = default) =>
        _connection.ReadAsync(
            () => _native.Fsck(new FsckRequest { Fix = fix, ReadData = readData }, cancellationToken: cancellationToken),
            cancellationToken);

    /// <summary>Removes what nothing refers to, and yields progress and at last a summary. Servers of 1.5 and older tell neither.</summary>
    public async IAsyncEnumerable<CollectGarbageResponse> CollectGarbageAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IAsyncEnumerable<CollectGarbageResponse> answers = _connection.ReadOrFallBackAsync(
            "CollectGarbage",
            () => _native.CollectGarbage(new CollectGarbageRequest(), cancellationToken: cancellationToken),
            () => CollectAsOfOldAsync(cancellationToken),
            cancellationToken);
        await foreach (CollectGarbageResponse answer in answers)
        {
            yield return answer;
        }
    }

    /// <summary>
    /// Copies the objects of older releases that the server uses in place into packs of its own, and yields progress and at last a summary.
    /// Stopped, the next call goes on.
    /// </summary>
    /// <param name="release">
    /// Copies nothing, and forgets the older stores, so that they may go. Refused while something is needed that is only there, and before
    /// the import from them is final.
    /// </param>
    /// <param name="cancellationToken">Stops it; what is copied stays copied.</param>
    /// <exception cref="PachException">
    /// <see cref="StatusCode.FailedPrecondition"/>: a release is refused, or an older store is not where it is said to be;
    /// <see cref="StatusCode.Unimplemented"/>: the server is of 1.5 or older.
    /// </exception>
    public IAsyncEnumerable<ConsolidateResponse> ConsolidateAsync(bool release = false, CancellationToken cancellationToken = default) =>
        _connection.ReadAsync(
            () => _native.Consolidate(new ConsolidateRequest { Release = release }, cancellationToken: cancellationToken),
            cancellationToken);

    /// <summary>Deletes all pipelines, jobs, repos, commits and files.</summary>
    public async Task DeleteAllAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await _connection.CallAsync(
                new PpsApi.APIClient(_connection.Invoker).DeleteAllAsync(new Empty(), cancellationToken: cancellationToken));
        }
        catch (PachException exception) when (exception.Status == StatusCode.Unimplemented)
        {
            // A server that only keeps files has no pipelines to delete.
            _connection.RememberLack("pps.API/DeleteAll");
        }

        await _connection.CallAsync(
            new PfsApi.APIClient(_connection.Invoker).DeleteAllAsync(new Empty(), cancellationToken: cancellationToken));
    }

    private async IAsyncEnumerable<CollectGarbageResponse> CollectAsOfOldAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _connection.CallAsync(
            new PpsApi.APIClient(_connection.Invoker).GarbageCollectAsync(
                new GarbageCollectRequest(), cancellationToken: cancellationToken));
        yield break;
    }
}
