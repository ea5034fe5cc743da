// node onnxruntime.js MODEL H W THREADS RUNS: times a network in ONNX Runtime; prints JSON. Used by bench/compare.
const fs = require('fs');
const path = require('path');
const folder = path.join(process.env.Y9_NPM, 'node_modules', 'onnxruntime-node');
const ort = require(folder);
const [model, h, w, threads, runs] = [process.argv[2], ...process.argv.slice(3).map(Number)];

async function main() {
    const session = await ort.InferenceSession.create(
        model, {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3});
    const images = new ort.Tensor('float32', Float32Array.from({length: 3 * h * w}, (_, i) => (i * 2654435761 % 256) / 255), [1, 3, h, w]);
    const times = [];
    for (let i = -2; i < runs; i++) {
        const start = process.hrtime.bigint();
        await session.run({images});
        if (i >= 0)
            times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    times.sort((a, b) => a - b);
    const peak = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
    const version = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'))).version;
    console.log(JSON.stringify({median_ms: times[times.length >> 1], min_ms: times[0], peak_mb: peak, version}));
}

main();
