"""What runs in a child process: conversion, audit, scores, layer errors."""
