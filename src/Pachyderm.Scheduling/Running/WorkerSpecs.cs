using Pachyderm.Errors;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Schedules;
using Pachyderm.Pps.Specs;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>What the workers of a pipeline run (doc/workers.md).</summary>
internal static class WorkerSpecs
{
    /// <summary>The spec of a worker.</summary>
    /// <param name="pipeline">Its pipeline.</param>
    /// <param name="worker">Its name.</param>
    /// <param name="options">Where secrets are.</param>
    /// <exception cref="OperatorException">A secret is missing.</exception>
    public static WorkerSpec Of(Pipeline pipeline, string worker, SchedulerOptions options)
    {
        Transform transform = pipeline.Workload.Transform;
        Dictionary<string, string> environment = new(StringComparer.Ordinal)
        {
            ["PPS_PIPELINE_NAME"] = pipeline.Name.Value,
            ["PPS_POD_NAME"] = worker,
            ["PPS_NAMESPACE"] = "default",
            ["PPS_WORKER_IP"] = "127.0.0.1",
        };
        foreach ((string name, string value) in transform.Env)
        {
            environment[name] = value;
        }
        return new WorkerSpec
        {
            Name = pipeline.Name.Value,
            Command = [.. transform.Cmd],
            Stdin = [.. transform.Stdin],
            Environment = environment,
            AcceptReturnCodes = [.. transform.AcceptReturnCode],
            Image = transform.Image.Length == 0 ? Transform.DefaultImage : transform.Image,
            Limits = new ResourceLimits(MemoryLimit(pipeline.Workload), Cpus: null),
            Mounts = [.. transform.Secrets.Select(secret => MountOf(pipeline, secret, options.SecretsDirectory))],
        };
    }

    /// <summary>
    /// The memory that a spec names itself. What the server fills in, and what is no more than the cache, is no bound: to Kubernetes it
    /// said where a pod had room, not when to end it.
    /// </summary>
    private static long? MemoryLimit(Workload workload)
    {
        long cache = Quantity.TryParse(workload.CacheSize, out Quantity size, out _) ? size.Value : 0;
        return Quantity.TryParse(workload.Resources?.Memory ?? "", out Quantity memory, out _) && memory.Value > cache
            ? memory.Value
            : null;
    }

    private static ReadOnlyMount MountOf(Pipeline pipeline, SecretMount secret, string? directory)
    {
        string thing = $"secret \"{secret.Name}\" of pipeline {pipeline.Name}";
        bool isName = secret.Name.Length > 0 && secret.Name is not ("." or "..") && !secret.Name.AsSpan().ContainsAny('/', '\0');
        if (!isName || !secret.MountPath.StartsWith('/'))
        {
            throw new OperatorException(
                "secret-unusable", thing, "its name is no name of a directory, or its mount path is not absolute", "correct the pipeline");
        }
        string? source = directory is null ? null : Path.Combine(Path.GetFullPath(directory), secret.Name);
        return Directory.Exists(source)
            ? new ReadOnlyMount(source, secret.MountPath)
            : throw new OperatorException(
                "secret-missing", thing,
                directory is null ? "this server has no directory of secrets" : $"there is no directory {source}",
                "create the directory with a file for each key, or change the pipeline");
    }
}
