using Pachyderm.Client.Transport;
using Pachyderm.Wire.Pps;
using PpsApi = Pachyderm.Wire.Pps.API;

namespace Pachyderm.Client;

/// <summary>Pipelines: programs that run on what is committed. Errors as in <see cref="RepoOperations"/>.</summary>
public sealed class PipelineOperations
{
    private readonly Connection _connection;
    private readonly PpsApi.APIClient _pps;

    internal PipelineOperations(Connection connection) => (_connection, _pps) = (connection, new PpsApi.APIClient(connection.Invoker));

    /// <summary>Makes a pipeline; it processes what its inputs have, and then each new commit.</summary>
    /// <remarks>The request's <c>Update</c> replaces a pipeline that exists, <c>Reprocess</c> then has everything run again.</remarks>
    public Task CreateAsync(CreatePipelineRequest pipeline, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.CreatePipelineAsync(pipeline, cancellationToken: cancellationToken));

    /// <summary>
    /// Makes the pipelines of a text, one after the other (<see cref="PipelineSpecs"/>). If the server refuses one, those before it are
    /// kept.
    /// </summary>
    /// <exception cref="MalformedSpecException">The text is no spec; nothing was made.</exception>
    public async Task CreateAsync(string json, CancellationToken cancellationToken = default)
    {
        foreach (CreatePipelineRequest pipeline in PipelineSpecs.Read(json))
        {
            await CreateAsync(pipeline, cancellationToken);
        }
    }

    /// <summary>
    /// Replaces the pipelines that a text names, one after the other. If the server refuses one, those before it are replaced.
    /// </summary>
    /// <param name="json">The spec.</param>
    /// <param name="reprocess">Whether everything runs again; else what was processed before is only read.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="MalformedSpecException">The text is no spec; nothing was replaced.</exception>
    public async Task UpdateAsync(string json, bool reprocess = false, CancellationToken cancellationToken = default)
    {
        foreach (CreatePipelineRequest pipeline in PipelineSpecs.Read(json))
        {
            (pipeline.Update, pipeline.Reprocess) = (true, reprocess);
            await CreateAsync(pipeline, cancellationToken);
        }
    }

    /// <summary>Describes a pipeline.</summary>
    public Task<PipelineInfo> InspectAsync(string pipeline, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.InspectPipelineAsync(
            new InspectPipelineRequest { Pipeline = ToWire(pipeline) }, cancellationToken: cancellationToken));

    /// <summary>Lists all pipelines, the one that changed last first.</summary>
    public async Task<IReadOnlyList<PipelineInfo>> ListAsync(CancellationToken cancellationToken = default) =>
        (await _connection.CallAsync(_pps.ListPipelineAsync(new ListPipelineRequest(), cancellationToken: cancellationToken))).PipelineInfo;

    /// <summary>Lets a pipeline that was stopped go on; what was committed meanwhile is processed.</summary>
    public Task StartAsync(string pipeline, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.StartPipelineAsync(
            new StartPipelineRequest { Pipeline = ToWire(pipeline) }, cancellationToken: cancellationToken));

    /// <summary>Stops a pipeline; a job that runs goes on when it is started again.</summary>
    public Task StopAsync(string pipeline, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.StopPipelineAsync(
            new StopPipelineRequest { Pipeline = ToWire(pipeline) }, cancellationToken: cancellationToken));

    /// <summary>Deletes a pipeline. Jobs that have not ended are killed.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="deleteJobs">Whether its jobs are deleted, too.</param>
    /// <param name="deleteRepo">Whether its output repo is deleted, too.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task DeleteAsync(
        string pipeline, bool deleteJobs = false, bool deleteRepo = false, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.DeletePipelineAsync(
            new DeletePipelineRequest { Pipeline = ToWire(pipeline), DeleteJobs = deleteJobs, DeleteRepo = deleteRepo },
            cancellationToken: cancellationToken));

    /// <summary>Deletes all pipelines.</summary>
    /// <param name="deleteJobs">Whether their jobs are deleted, too.</param>
    /// <param name="deleteRepo">Whether their output repos are deleted, too.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task DeleteAllAsync(bool deleteJobs = false, bool deleteRepo = false, CancellationToken cancellationToken = default) =>
        _connection.CallAsync(_pps.DeletePipelineAsync(
            new DeletePipelineRequest { All = true, DeleteJobs = deleteJobs, DeleteRepo = deleteRepo },
            cancellationToken: cancellationToken));

    /// <summary>Makes a job of a pipeline by hand.</summary>
    /// <param name="job">
    /// The pipeline with its version and salt as <see cref="InspectAsync"/> gives them, and its input with a commit for every atom.
    /// </param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>The job's identifier.</returns>
    public async Task<string> RunAsync(CreateJobRequest job, CancellationToken cancellationToken = default) =>
        (await _connection.CallAsync(_pps.CreateJobAsync(job, cancellationToken: cancellationToken))).Id;

    private static Pipeline ToWire(string pipeline) => new() { Name = pipeline };
}
